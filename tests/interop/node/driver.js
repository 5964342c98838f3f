// Call alimock through one of the Node SDKs: reads one {"action", "parameters"} per line and writes one {"body"} or {"error"} per line.
// usage: node driver.js pop-core-get|pop-core-post|rpc-client-get|rpc-client-post|aliyun-sdk|
//   openapi-client|openapi-client-v1|openapi-core
'use strict';
const readline = require('node:readline');

const { ENDPOINT, ACCESS_KEY_ID, ACCESS_KEY_SECRET, VERSION } = process.env;
const kind = process.argv[2];

function popCore(method) {
  const { RPCClient } = require('@alicloud/pop-core');
  const client = new RPCClient({
    accessKeyId: ACCESS_KEY_ID, accessKeySecret: ACCESS_KEY_SECRET, endpoint: `http://${ENDPOINT}`, apiVersion: VERSION,
  });
  return (action, parameters) => client.request(action, parameters, { method });
}

function rpcClient(method) {
  const { default: Client, Config } = require('@alicloud/rpc-client');
  const { RuntimeOptions } = require('@alicloud/tea-util');
  const client = new Client(new Config({
    accessKeyId: ACCESS_KEY_ID, accessKeySecret: ACCESS_KEY_SECRET, endpoint: ENDPOINT, protocol: 'http',
  }));
  return (action, parameters) => {
    const [query, body] = method === 'GET' ? [parameters, undefined] : [{}, parameters];
    return client.doRequest(action, 'http', method, VERSION, 'AK', query, body, new RuntimeOptions({}));
  };
}

// The SDK has no definition of Domain. As for the services that it has, a definition names the operations and their parameters.
function aliyunSdk() {
  const ALY = require('aliyun-sdk');
  const string = { type: 'string' };
  const parameters = {
    Email: string, SendIfExist: string, UserClientIp: string, Lang: string, Token: string, VerificationStatus: string, PageNum: string,
    PageSize: string, BeginCreateTime: string, EndCreateTime: string,
  };
  const operation = (name) => ({
    name,
    http: { method: 'POST', uri: '/' },
    input: { type: 'structure', members: { Action: { required: true, default: name }, ...parameters } },
  });
  const operations = [
    'SubmitEmailVerification', 'ResendEmailVerification', 'VerifyEmail', 'QueryEmailVerification', 'ListEmailVerification',
    'DeleteEmailVerification', 'EmailVerified', 'QueryNothing',
  ];
  const Domain = ALY.Service.defineService({
    format: 'pop', apiVersion: VERSION, endpointPrefix: 'domain', signatureVersion: 'pop', timestampFormat: 'top',
    operations: Object.fromEntries(operations.map((name) => [name, operation(name)])),
  });
  const service = new Domain({ accessKeyId: ACCESS_KEY_ID, secretAccessKey: ACCESS_KEY_SECRET, endpoint: `http://${ENDPOINT}` });
  return (action, given) => new Promise((resolve, reject) => {
    service.makeRequest(action, given, (error, body) => (error ? reject(error) : resolve(body)));
  });
}

function tea(models, Client, signatureAlgorithm) {
  const config = new models.Config({
    accessKeyId: ACCESS_KEY_ID, accessKeySecret: ACCESS_KEY_SECRET, endpoint: ENDPOINT, protocol: 'HTTP', signatureAlgorithm,
  });
  const client = new Client(config);
  const { RuntimeOptions } = require('@alicloud/tea-util');
  return async (action, parameters) => {
    const params = new models.Params({
      action, version: VERSION, protocol: 'HTTP', pathname: '/', method: 'POST', authType: 'AK', style: 'RPC',
      reqBodyType: 'formData', bodyType: 'json',
    });
    const answer = await client.callApi(params, new models.OpenApiRequest({ query: parameters }), new RuntimeOptions({}));
    return answer.body;
  };
}

function makeCall() {
  if (kind === 'pop-core-get') return popCore('GET');
  if (kind === 'pop-core-post') return popCore('POST');
  if (kind === 'rpc-client-get') return rpcClient('GET');
  if (kind === 'rpc-client-post') return rpcClient('POST');
  if (kind === 'aliyun-sdk') return aliyunSdk();
  if (kind === 'openapi-core') {
    const core = require('@alicloud/openapi-core');
    return tea(core.$OpenApiUtil, core.default);
  }
  const client = require('@alicloud/openapi-client');
  return tea(client, client.default, kind === 'openapi-client-v1' ? 'v2' : undefined);
}

async function main() {
  const call = makeCall();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { action, parameters } = JSON.parse(line);
    try {
      process.stdout.write(`${JSON.stringify({ body: await call(action, parameters) })}\n`);
    } catch (error) {
      const status = error.statusCode || (error.data && (error.data.statusCode || error.data.StatusCode)) || null;
      process.stdout.write(`${JSON.stringify({ error: { code: String(error.code), status, message: String(error.message) } })}\n`);
    }
  }
}

main();

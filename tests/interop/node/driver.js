// Call alimock through one of the Node SDKs: reads one {"action", "parameters"} per line and writes one {"body"} or {"error"} per line.
// usage: node driver.js pop-core-get|pop-core-post|openapi-client|openapi-client-v1|openapi-core
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

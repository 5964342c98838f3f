// Call the service with @alicloud/openapi-client. Its endpoint is host:port, and its protocol is a setting of its own.
'use strict';
const { default: Client, Config, OpenApiRequest, Params } = require('@alicloud/openapi-client');
const { RuntimeOptions } = require('@alicloud/tea-util');

function openapiClient(env) {
  const client = new Client(new Config({
    endpoint: env.DOMAIN_ENDPOINT || 'domain.aliyuncs.com',
    protocol: env.DOMAIN_PROTOCOL || 'https',
    accessKeyId: env.ALIBABA_CLOUD_ACCESS_KEY_ID,
    accessKeySecret: env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
  }));
  return async (action, parameters) => {
    const params = new Params({
      action, version: '2018-01-29', pathname: '/', method: 'POST', authType: 'AK', style: 'RPC', reqBodyType: 'formData', bodyType: 'json',
    });
    return (await client.callApi(params, new OpenApiRequest({ query: parameters }), new RuntimeOptions({}))).body;
  };
}

module.exports = { openapiClient };

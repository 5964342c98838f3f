// Call the service with @alicloud/pop-core. Its endpoint is a URL.
'use strict';
const { RPCClient } = require('@alicloud/pop-core');

function popCore(env) {
  const client = new RPCClient({
    endpoint: env.DOMAIN_URL || 'https://domain.aliyuncs.com',
    apiVersion: '2018-01-29',
    accessKeyId: env.ALIBABA_CLOUD_ACCESS_KEY_ID,
    accessKeySecret: env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
  });
  return (action, parameters) => client.request(action, parameters);
}

module.exports = { popCore };

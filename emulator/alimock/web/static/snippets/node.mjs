// npm install @alicloud/openapi-client @alicloud/tea-util
import OpenApi from '@alicloud/openapi-client';
import { RuntimeOptions } from '@alicloud/tea-util';

const client = new OpenApi.default(new OpenApi.Config({
  endpoint: '{{endpoint}}',
  protocol: '{{protocol}}',
  accessKeyId: '{{access_key_id}}',
  accessKeySecret: '{{access_key_secret}}',
}));
const params = new OpenApi.Params({
  action: 'SubmitEmailVerification', version: '2018-01-29', protocol: '{{protocol}}', pathname: '/', method: 'POST',
  authType: 'AK', style: 'RPC', reqBodyType: 'formData', bodyType: 'json',
});
const request = new OpenApi.OpenApiRequest({ query: { Email: 'jo@example.com' } });
console.log((await client.callApi(params, request, new RuntimeOptions({}))).body);

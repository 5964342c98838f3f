// The same application with @alicloud/openapi-client: alimock run --env DOMAIN_ENDPOINT={endpoint} --env DOMAIN_PROTOCOL=http -- npm test
'use strict';
const assert = require('node:assert');
const { before, test } = require('node:test');
const { Account } = require('./alimock.js');
const { openapiClient } = require('./openapi-client.js');
const { Signup } = require('./signup.js');

const account = new Account();
const signup = new Signup(openapiClient(account.env));
before(() => account.register());

test('user confirms an address with the token of the email', async () => {
  assert.strictEqual(await signup.invite('jo@example.com'), 'check your inbox');
  const message = await account.waitForEmail('jo@example.com');
  await signup.confirm(message.token);
  assert.strictEqual(await signup.isVerified('jo@example.com'), true);
});

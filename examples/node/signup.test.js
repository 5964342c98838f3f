// Offline tests of the application: alimock run --env DOMAIN_URL={url} -- npm test
'use strict';
const assert = require('node:assert');
const { before, test } = require('node:test');
const { Account } = require('./alimock.js');
const { popCore } = require('./pop-core.js');
const { Signup } = require('./signup.js');

const account = new Account();
const signup = new Signup(popCore(account.env));
before(() => account.register());

test('user confirms an address with the token of the email', async () => {
  assert.strictEqual(await signup.invite('jo@example.com'), 'check your inbox');
  const message = await account.waitForEmail('jo@example.com');
  assert.strictEqual(await signup.isVerified('jo@example.com'), false);
  await signup.confirm(message.token);
  assert.strictEqual(await signup.isVerified('jo@example.com'), true);
});

test('rejected address gets an explanation', async () => {
  await account.control('PUT', 'addresses/busy@example.com', 'quota-exceeded');
  await account.control('PUT', 'addresses/odd@example.com', 'illegal');
  assert.strictEqual(await signup.invite('busy@example.com'), 'try again tomorrow');
  assert.strictEqual(await signup.invite('odd@example.com'), 'please check the address');
});

test('link expires after three days', async () => {
  await signup.invite('al@example.com');
  const message = await account.waitForEmail('al@example.com');
  await account.control('POST', 'clock/advance', { by: '3d' });
  await assert.rejects(signup.confirm(message.token), { code: 'ParameterIllegal' });
});

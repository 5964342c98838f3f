// Offline tests of the application: alimock run --env DOMAIN_URL={url} -- npm test
'use strict';
const assert = require('node:assert');
const { test } = require('node:test');
const { invite, confirm, isVerified } = require('./signup.js');

const control = `${process.env.ALIMOCK_URL}/_alimock`;

async function waitForEmail(email) {
  const response = await fetch(`${control}/outbox/wait?to=${encodeURIComponent(email)}`);
  assert.strictEqual(response.status, 200);
  return (await response.json()).message;
}

test('user confirms an address with the token of the email', async () => {
  assert.strictEqual(await invite('jo@example.com'), 'check your inbox');
  const message = await waitForEmail('jo@example.com');
  assert.strictEqual(await isVerified('jo@example.com'), false);
  await confirm(message.token);
  assert.strictEqual(await isVerified('jo@example.com'), true);
});

test('rejected address gets an explanation', async () => {
  const rejected = { 'busy@example.com': 'quota-exceeded', 'odd@example.com': 'illegal' };
  for (const [email, outcome] of Object.entries(rejected)) {
    await fetch(`${control}/addresses/${email}`, { method: 'PUT', body: outcome });
  }
  assert.strictEqual(await invite('busy@example.com'), 'try again tomorrow');
  assert.strictEqual(await invite('odd@example.com'), 'please check the address');
});

test('link expires after three days', async () => {
  await invite('al@example.com');
  const message = await waitForEmail('al@example.com');
  await fetch(`${control}/clock/advance`, { method: 'POST', body: JSON.stringify({ by: '3d' }) });
  await assert.rejects(confirm(message.token), { code: 'ParameterIllegal' });
});

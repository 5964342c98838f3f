// The tests of the application, offline: alimock run --env DOMAIN_URL={url} -- npm test
'use strict';
const assert = require('node:assert');
const { test } = require('node:test');
const { invite, confirm, isVerified } = require('./signup.js');

const control = `${process.env.ALIMOCK_URL}/_alimock`;

async function mailTo(email) {
  const response = await fetch(`${control}/outbox/wait?to=${encodeURIComponent(email)}`);
  assert.strictEqual(response.status, 200);
  return (await response.json()).message;
}

test('a user confirms an address by the link of the mail', async () => {
  assert.strictEqual(await invite('jo@example.com'), 'we sent you a mail');
  const message = await mailTo('jo@example.com');
  assert.strictEqual(await isVerified('jo@example.com'), false);
  await confirm(message.token);
  assert.strictEqual(await isVerified('jo@example.com'), true);
});

test('a refused address is told in words', async () => {
  const refused = { 'busy@example.com': 'quota-exceeded', 'odd@example.com': 'illegal' };
  for (const [email, outcome] of Object.entries(refused)) {
    await fetch(`${control}/addresses/${email}`, { method: 'PUT', body: outcome });
  }
  assert.strictEqual(await invite('busy@example.com'), 'try again tomorrow');
  assert.strictEqual(await invite('odd@example.com'), 'please check the address');
});

test('a link is good for three days', async () => {
  await invite('al@example.com');
  const message = await mailTo('al@example.com');
  await fetch(`${control}/clock/advance`, { method: 'POST', body: JSON.stringify({ by: '3d' }) });
  await assert.rejects(confirm(message.token), { code: 'ParameterIllegal' });
});

// An account of its own in the emulator, for the tests of one file. Files that run in parallel do not see each other's emails and clocks.
'use strict';
const assert = require('node:assert');
const { randomUUID } = require('node:crypto');

class Account {
  constructor() {
    this.key = randomUUID();
    // The variables for the application: those of `alimock run`, but with the key of this account.
    this.env = { ...process.env, ALIBABA_CLOUD_ACCESS_KEY_ID: this.key };
  }

  // Register the key, so that its signatures are checked. Call it before the tests.
  async register() {
    await this.control('PUT', `access-keys/${this.key}`, { secret: this.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET });
  }

  // Send a request about this account to the control API.
  async control(method, path, body) {
    const url = new URL(`${process.env.ALIMOCK_URL}/_alimock/${path}`);
    if (!path.startsWith('access-keys/')) url.searchParams.set('access_key_id', this.key);
    const response = await fetch(url, { method, body: body && JSON.stringify(body) });
    const answer = await response.json();
    assert.ok(response.ok, JSON.stringify(answer));
    return answer;
  }

  async waitForEmail(email) {
    return (await this.control('GET', `outbox/wait?to=${encodeURIComponent(email)}`)).message;
  }
}

module.exports = { Account };

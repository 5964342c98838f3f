// An application that verifies the email addresses of its users. `call` is a client of the service: popCore(env) or openapiClient(env).
'use strict';

class Signup {
  constructor(call) {
    this.call = call;
  }

  // Send a verification email, and return a message for the user.
  async invite(email) {
    const response = await this.call('SubmitEmailVerification', { Email: email, SendIfExist: 'true' });
    if (response.FailList.length > 0) {
      return response.FailList[0].Code === 'SendTokenQuotaExceeded' ? 'try again tomorrow' : 'please check the address';
    }
    return response.SuccessList.length > 0 ? 'check your inbox' : 'already verified';
  }

  async confirm(token) {
    await this.call('VerifyEmail', { Token: token });
  }

  async isVerified(email) {
    return (await this.call('QueryEmailVerification', { Email: email })).VerificationStatus === 1;
  }
}

module.exports = { Signup };

// An application that verifies the email addresses of its users with the official SDK. DOMAIN_URL sets the endpoint.
'use strict';
const { RPCClient } = require('@alicloud/pop-core');

const client = new RPCClient({
  endpoint: process.env.DOMAIN_URL || 'https://domain.aliyuncs.com',
  apiVersion: '2018-01-29',
  accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
  accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
});

// Send a verification email, and return a message for the user.
async function invite(email) {
  const response = await client.request('SubmitEmailVerification', { Email: email, SendIfExist: true });
  if (response.FailList.length > 0) {
    return response.FailList[0].Code === 'SendTokenQuotaExceeded' ? 'try again tomorrow' : 'please check the address';
  }
  return response.SuccessList.length > 0 ? 'check your inbox' : 'already verified';
}

async function confirm(token) {
  await client.request('VerifyEmail', { Token: token });
}

async function isVerified(email) {
  return (await client.request('QueryEmailVerification', { Email: email })).VerificationStatus === 1;
}

module.exports = { invite, confirm, isVerified };

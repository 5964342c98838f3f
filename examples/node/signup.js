// An application that has its users verify their addresses, by the official SDK. Where it calls is a setting of its environment.
'use strict';
const { RPCClient } = require('@alicloud/pop-core');

const client = new RPCClient({
  endpoint: process.env.DOMAIN_URL || 'https://domain.aliyuncs.com',
  apiVersion: '2018-01-29',
  accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
  accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
});

// Has a mail with a link sent to an address, and says in words what became of it.
async function invite(email) {
  const answer = await client.request('SubmitEmailVerification', { Email: email, SendIfExist: true });
  if (answer.FailList.length > 0) {
    return answer.FailList[0].Code === 'SendTokenQuotaExceeded' ? 'try again tomorrow' : 'please check the address';
  }
  return answer.SuccessList.length > 0 ? 'we sent you a mail' : 'you are verified already';
}

async function confirm(token) {
  await client.request('VerifyEmail', { Token: token });
}

async function isVerified(email) {
  return (await client.request('QueryEmailVerification', { Email: email })).VerificationStatus === 1;
}

module.exports = { invite, confirm, isVerified };

# Install the command: https://github.com/aliyun/aliyun-cli/releases
# --insecure means plain HTTP; leave it out for a URL that begins with https.
export ALIBABA_CLOUD_ACCESS_KEY_ID={{access_key_id}} ALIBABA_CLOUD_ACCESS_KEY_SECRET={{access_key_secret}}
export ALIBABA_CLOUD_REGION_ID=cn-hangzhou ALIBABA_CLOUD_IGNORE_PROFILE=TRUE ALIBABA_CLOUD_ENDPOINT={{endpoint}}
aliyun domain SubmitEmailVerification --version 2018-01-29 --force --Email jo@example.com --insecure

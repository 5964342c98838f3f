# pip install alibabacloud-domain20180129
from alibabacloud_domain20180129 import models
from alibabacloud_domain20180129.client import Client
from alibabacloud_tea_openapi.utils_models import Config

config = Config(
    endpoint="{{endpoint}}",
    protocol="{{protocol}}",
    access_key_id="{{access_key_id}}",
    access_key_secret="{{access_key_secret}}",
)
request = models.SubmitEmailVerificationRequest(email="jo@example.com")
print(Client(config).submit_email_verification(request).body.to_map())

# pip install pytest alibabacloud-domain20180129 (into the environment of alimock)
# Run: pytest -s --alimock-url {{url}} test_signup.py
# Without the option, pytest starts its own emulator.
from alibabacloud_domain20180129 import models
from alibabacloud_domain20180129.client import Client
from alibabacloud_tea_openapi.utils_models import Config


def test_new_user_gets_an_email(alimock):
    config = Config(
        endpoint=alimock.endpoint,
        protocol="{{protocol}}",
        access_key_id=alimock.access_key_id,
        access_key_secret=alimock.access_key_secret,
    )
    request = models.SubmitEmailVerificationRequest(email="jo@example.com")
    print(Client(config).submit_email_verification(request).body.to_map())
    assert alimock.outbox.wait(to="jo@example.com").lang == "en"

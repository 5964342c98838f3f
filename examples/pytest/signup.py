"""An application that has its users verify their addresses, by the official SDK. Where it calls is a setting."""

from __future__ import annotations

import os

from alibabacloud_domain20180129 import models
from alibabacloud_domain20180129.client import Client
from alibabacloud_tea_openapi.utils_models import Config


class Signup:
    """Signs users up; without arguments at the real service, with the credentials of the environment."""

    def __init__(self, endpoint: str = "domain.aliyuncs.com", protocol: str = "https") -> None:
        self._client = Client(
            Config(
                endpoint=endpoint,
                protocol=protocol,
                access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
                access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            )
        )

    def invite(self, email: str) -> str:
        """Has a mail with a link sent to an address, and says in words what became of it."""
        answer = self._client.submit_email_verification(models.SubmitEmailVerificationRequest(email=email, send_if_exist=True)).body
        if answer.fail_list:
            code = answer.fail_list[0].code
            return "try again tomorrow" if code == "SendTokenQuotaExceeded" else "please check the address"
        return "we sent you a mail" if answer.success_list else "you are verified already"

    def confirm(self, token: str) -> None:
        """Confirms an address by the token of its link."""
        self._client.verify_email(models.VerifyEmailRequest(token=token))

    def is_verified(self, email: str) -> bool:
        """Says whether an address was confirmed."""
        answer = self._client.query_email_verification(models.QueryEmailVerificationRequest(email=email)).body
        return bool(answer.verification_status)

"""An application that verifies the email addresses of its users with the official SDK. Its endpoint is a setting."""

from __future__ import annotations

import os

from alibabacloud_domain20180129 import models
from alibabacloud_domain20180129.client import Client
from alibabacloud_tea_openapi.utils_models import Config


class Signup:
    """Verify addresses, by default with the real service. The credentials come from the environment."""

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
        """Send a verification email, and return a message for the user."""
        request = models.SubmitEmailVerificationRequest(email=email, send_if_exist=True)
        body = self._client.submit_email_verification(request).body
        if body.fail_list:
            code = body.fail_list[0].code
            return "try again tomorrow" if code == "SendTokenQuotaExceeded" else "please check the address"
        return "check your inbox" if body.success_list else "already verified"

    def is_verified(self, email: str) -> bool:
        """Return whether the user has followed the link."""
        request = models.QueryEmailVerificationRequest(email=email)
        return bool(self._client.query_email_verification(request).body.verification_status)

    def confirm(self, token: str) -> None:
        """Confirm an address with the token of its link, for a user who enters it instead of following the link."""
        self._client.verify_email(models.VerifyEmailRequest(token=token))

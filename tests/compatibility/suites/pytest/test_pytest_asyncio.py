"""pytest-asyncio: a test waits for an email while the application sends it."""

from __future__ import annotations

import asyncio

import pytest
from alibabacloud_domain20180129 import models
from alibabacloud_domain20180129.client import Client as Sdk
from alibabacloud_tea_openapi.utils_models import Config
from alimock import Client


@pytest.fixture
def sdk(alimock: Client) -> Sdk:
    key = {"access_key_id": alimock.access_key_id, "access_key_secret": alimock.access_key_secret}
    return Sdk(Config(endpoint=alimock.endpoint, protocol="http", **key))


@pytest.mark.asyncio
async def test_link_of_the_email_verifies_the_address(sdk: Sdk, alimock: Client) -> None:
    waiting = asyncio.create_task(alimock.outbox.wait_async(to="jo@example.com"))
    await sdk.submit_email_verification_async(models.SubmitEmailVerificationRequest(email="jo@example.com"))
    message = await waiting
    await sdk.verify_email_async(models.VerifyEmailRequest(token=message.token))
    assert [call.action for call in alimock.calls.list()] == ["VerifyEmail", "SubmitEmailVerification"]


@pytest.mark.asyncio
async def test_nothing_is_sent_to_a_verified_address(sdk: Sdk, alimock: Client) -> None:
    alimock.addresses.put("jo@example.com", "verified")
    await sdk.submit_email_verification_async(models.SubmitEmailVerificationRequest(email="jo@example.com"))
    await alimock.outbox.wait_quiet_async(0.1)

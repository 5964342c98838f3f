"""anyio: the same on its asyncio backend, and in a thread on Trio."""

from __future__ import annotations

import anyio.to_thread
import pytest
from alimock import Client
from signup import Signup


@pytest.fixture
def signup(alimock: Client, alimock_env: dict[str, str]) -> Signup:
    return Signup(endpoint=alimock.endpoint, protocol="http")


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_wait_on_asyncio(signup: Signup, alimock: Client) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, signup.invite, "jo@example.com")
        message = await alimock.outbox.wait_async(to="jo@example.com")
    assert message.to == "jo@example.com"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_wait_in_a_thread_on_any_backend(signup: Signup, alimock: Client) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, signup.invite, "jo@example.com")
        message = await anyio.to_thread.run_sync(alimock.outbox.wait)
    assert message.to == "jo@example.com"

"""Run the emulator of the tests in a container. Copy this file to the folder of the tests; pip install 'testcontainers>=4.13'."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from alimock import Client, Emulator
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy


@pytest.fixture(scope="session")
def alimock_server() -> Iterator[Client]:
    """Replace the emulator that the plugin starts. The fixture `alimock` is an account in it, as before."""
    container = DockerContainer(os.environ.get("ALIMOCK_IMAGE", "alimock")).with_exposed_ports(2546)
    container.with_env("ALIMOCK_SCENARIO", "default").waiting_for(HttpWaitStrategy(2546, "/readyz"))
    with container:
        url = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(2546)}"
        with Emulator.connect(url) as client:
            yield client

"""A pytest plugin that lets testcontainers run the emulator as a process, because a Docker engine is often missing."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

from testcontainers.core import container
from testcontainers.core.config import ConnectionMode


class _Process:
    """What testcontainers uses of a container."""

    id = short_id = "process"
    status = "running"

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = {**os.environ, **environ, "ALIMOCK_PORT": "0"}

    def start(self) -> None:
        command = ["alimock", "serve", "--log-level", "error"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self._environ)
        assert self._process.stdout is not None
        self.port = re.findall(r"http://[\d.]+:(\d+)", self._process.stdout.readline())[0]

    def reload(self) -> None:
        pass

    def remove(self, **_: object) -> None:
        self._process.terminate()
        self._process.communicate()


class _Engine:
    """What testcontainers uses of its client for the engine."""

    def __init__(self) -> None:
        self.client = self

    def create(self, image: str, *, environment: dict[str, str], ports: dict[str, Any], **_: object) -> _Process:
        assert (image, list(ports)) == ("alimock", ["2546"])
        self._container = _Process(environment)
        return self._container

    def start(self, created: _Process) -> None:
        created.start()

    def port(self, _: str, port: int) -> str:
        assert port == 2546
        return str(self._container.port)

    def host(self) -> str:
        return "localhost"

    def get_connection_mode(self) -> ConnectionMode:
        return ConnectionMode.docker_host

    def close(self) -> None:
        pass


container.DockerClient = _Engine  # type: ignore[assignment, misc]

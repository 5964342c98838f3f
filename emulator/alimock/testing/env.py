"""The environment variables in which SDKs and the `aliyun` command find the emulator and its credentials."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from alimock.client.client import Client
from alimock.security import ENDPOINTS

# The `aliyun` command requires a region; the emulator ignores it.
REGION = "cn-hangzhou"
# Variables of real credentials, which would take precedence.
_REAL_CREDENTIALS = ("ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABA_CLOUD_PROFILE")
# Programs read these names in upper and lower case, Python's urllib in any.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
# alibabacloud_credentials reads the environment only once, when it is imported.
PYTHON_CREDENTIALS = "alibabacloud_credentials.utils.auth_util"
_LOOPBACK = ("127.0.0.1", "localhost")
_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
_HTTP_PROXY = ("HTTP_PROXY", "http_proxy")
_NO_PROXY = ("NO_PROXY", "no_proxy")
_PORT = re.compile(r":\d+$")


class Variables(dict[str, str]):
    """Environment variables whose `repr`, as in the report of a failed test, hides the secret."""

    def __repr__(self) -> str:
        """Return the variables without the secret."""
        return repr({name: "..." if name == _SECRET else value for name, value in self.items()})


@contextmanager
def environment(client: Client) -> Iterator[dict[str, str]]:
    """Set the variables in which SDKs find their credentials and the `aliyun` command its endpoint, for the time of a `with`.

        with environment(session.client):
            subprocess.run(["./sign-up", "jo@example.com"], check=True)

    The variables of real credentials and of network proxies are removed. At the end, the environment is as it was before.

    Args:
        client: The client of the account that programs use, for example `TestSession.client`.

    Yields:
        The variables that are set. Their `repr`, as in the report of a failed test, hides the secret.
    """
    # Imported late: `alimock run` uses the rest of this module.
    from unittest import mock

    given = variables(client, os.environ)
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, given))
        for name in removed(os.environ):
            del os.environ[name]
        imported = sys.modules.get(PYTHON_CREDENTIALS)
        if imported is not None:
            for name, value in python_credentials(client).items():
                stack.enter_context(mock.patch.object(imported, name, value, create=True))
        yield given


def proxies(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the variables that set a network proxy.

    The official SDKs for Python and the Go Tea SDK send even requests to loopback to a proxy, whatever NO_PROXY contains. Seen with
    the versions of `make interop`.
    """
    return [name for name, value in environ.items() if name.lower() in _PROXIES and value]


def removed(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the variables that would keep a program from using the emulator: real credentials and network proxies."""
    return [*(name for name in _REAL_CREDENTIALS if name in environ), *proxies(environ)]


def variables(client: Client, environ: Mapping[str, str], *, proxy: bool = False) -> Variables:
    """Return the variables to set in `environ`, after those of `removed` are removed.

    All official SDKs read these credentials; only the `aliyun` command also reads its endpoint from the environment. With `proxy`,
    SDKs that use plain HTTP reach the emulator under the service's own name.
    """
    own = {
        "ALIMOCK_URL": client.url,
        "ALIMOCK_ENDPOINT": client.endpoint,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": client.access_key_id,
        _SECRET: client.access_key_secret,
        "ALIBABA_CLOUD_ENDPOINT": client.endpoint,
        "ALIBABA_CLOUD_REGION_ID": REGION,
        # Otherwise the command prefers its configuration file.
        "ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE",
    }
    # A proxy of the program's own settings must not get the requests to the emulator either.
    given = direct_hosts(environ, proxy=proxy)
    direct = ",".join(dict.fromkeys(filter(None, (*given, *_LOOPBACK, urlsplit(client.url).hostname))))
    return Variables({**own, **dict.fromkeys(_NO_PROXY, direct), **(dict.fromkeys(_HTTP_PROXY, client.url) if proxy else {})})


def direct_hosts(environ: Mapping[str, str], *, proxy: bool) -> list[str]:
    """Return the hosts in NO_PROXY; with `proxy`, without those that cover the service, whose requests the emulator must get."""
    hosts = [host.strip() for name in _NO_PROXY for host in environ.get(name, "").split(",")]
    return [host for host in dict.fromkeys(filter(None, hosts)) if not (proxy and _covers_service(host))]


def _covers_service(host: str) -> bool:
    # Clients differ in whether `aliyuncs.com`, `.aliyuncs.com`, `*.aliyuncs.com` and `*` include names below; any of them might.
    suffix = _PORT.sub("", host).lstrip("*.").lower()
    return any(endpoint.endswith(suffix) for endpoint in ENDPOINTS)


def python_credentials(client: Client) -> dict[str, str | None]:
    """Return the attributes to set in the module `PYTHON_CREDENTIALS` if it is imported (according to its code, version 1.0)."""
    return {
        "environment_access_key_id": client.access_key_id,
        "environment_access_key_secret": client.access_key_secret,
        "environment_security_token": None,
    }

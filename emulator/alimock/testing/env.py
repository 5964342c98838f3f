"""The environment variables in which SDKs and the `aliyun` command find the emulator and its credentials."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from alimock.client.client import Client

# The `aliyun` command requires a region; the emulator ignores it.
REGION = "cn-hangzhou"
# Variables of real credentials, which would take precedence.
REMOVED = ("ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABA_CLOUD_PROFILE")
# alibabacloud_credentials reads the environment only once, when it is imported.
PYTHON_CREDENTIALS = "alibabacloud_credentials.utils.auth_util"
_LOOPBACK = ("127.0.0.1", "localhost")
_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
_PROXY = ("HTTP_PROXY", "http_proxy")
_NO_PROXY = ("NO_PROXY", "no_proxy")


class Variables(dict[str, str]):
    """Environment variables whose `repr`, as in the report of a failed test, hides the secret."""

    def __repr__(self) -> str:
        """Return the variables without the secret."""
        return repr({name: "..." if name == _SECRET else value for name, value in self.items()})


def variables(client: Client, environ: Mapping[str, str], *, proxy: bool = False) -> Variables:
    """Return the variables to set in addition to `environ`.

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
    # Requests to the emulator must not go through a network proxy.
    given = [host.strip() for name in _NO_PROXY for host in environ.get(name, "").split(",")]
    direct = ",".join(dict.fromkeys(filter(None, (*given, *_LOOPBACK, urlsplit(client.url).hostname))))
    return Variables({**own, **dict.fromkeys(_NO_PROXY, direct), **(dict.fromkeys(_PROXY, client.url) if proxy else {})})


def python_credentials(client: Client) -> dict[str, str | None]:
    """Return the attributes to set in the module `PYTHON_CREDENTIALS` if it is imported (according to its code, version 1.0)."""
    return {
        "environment_access_key_id": client.access_key_id,
        "environment_access_key_secret": client.access_key_secret,
        "environment_security_token": None,
    }

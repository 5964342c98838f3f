"""The environment in which a program finds the emulator and the keys to it, as the SDKs and the `aliyun` command read it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from alimock.client.client import Client

# The command wants one, and the emulator looks at none.
REGION = "cn-hangzhou"
# Of real credentials, beside which those of the emulator would not count.
REMOVED = ("ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABA_CLOUD_PROFILE")
# The official Python credentials read the environment when they are imported, and then never again.
PYTHON_CREDENTIALS = "alibabacloud_credentials.utils.auth_util"
_LOOPBACK = ("127.0.0.1", "localhost")
_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
_PROXY = ("HTTP_PROXY", "http_proxy")
_NO_PROXY = ("NO_PROXY", "no_proxy")


class Variables(dict[str, str]):
    """Variables of an environment, which keep the secret to themselves when they are shown, as in the report of a failed test."""

    def __repr__(self) -> str:
        """Shows the variables without the secret."""
        return repr({name: "..." if name == _SECRET else value for name, value in self.items()})


def variables(client: Client, environ: Mapping[str, str], *, proxy: bool = False) -> Variables:
    """Gives the variables to set, over an environment that is there already.

    The credentials are those of the default chain of all official SDKs; only the `aliyun` command reads its endpoint from the
    environment too. With `proxy` SDKs that speak plain http reach the emulator by the service's own name.
    """
    own = {
        "ALIMOCK_URL": client.url,
        "ALIMOCK_ENDPOINT": client.endpoint,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": client.access_key_id,
        _SECRET: client.access_key_secret,
        "ALIBABA_CLOUD_ENDPOINT": client.endpoint,
        "ALIBABA_CLOUD_REGION_ID": REGION,
        # Else the command prefers its configuration file.
        "ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE",
    }
    # A proxy of the network must not be asked for the emulator.
    given = [host.strip() for name in _NO_PROXY for host in environ.get(name, "").split(",")]
    direct = ",".join(dict.fromkeys(filter(None, (*given, *_LOOPBACK, urlsplit(client.url).hostname))))
    return Variables({**own, **dict.fromkeys(_NO_PROXY, direct), **(dict.fromkeys(_PROXY, client.url) if proxy else {})})


def python_credentials(client: Client) -> dict[str, str | None]:
    """Gives what the module of the official Python credentials has to hold once it was imported (version 1.0, read in its code)."""
    return {
        "environment_access_key_id": client.access_key_id,
        "environment_access_key_secret": client.access_key_secret,
        "environment_security_token": None,
    }

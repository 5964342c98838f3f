"""The settings of `alimock serve`, one table: it feeds the command line, the environment, `--help` and the README."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from alimock.scenario.model import Authentication
from alimock.scenario.text import non_empty, one_of
from alimock.server.limits import ServerLimits
from alimock.spec.profiles import PROFILES
from alimock.state.limits import StateLimits

LOG_LEVELS = ("debug", "info", "warning", "error")
DEFAULT_PORT = 2546
_COUNT = re.compile(r"[0-9]{1,9}")
_MOST = 999_999_999
# Systems count a wait in milliseconds, of which 32 bits hold no more.
_MOST_SECONDS = 2_000_000
_URL = re.compile(r"https?://[^/?#\s]+(/[^?#\s]*)?")


class SettingError(ValueError):
    """A setting whose value cannot be used."""


@dataclass(frozen=True)
class Setting:
    """One setting: its flag (None if only the environment has it), its variable, its default as text, and what it takes.

    `parse` takes the text and raises `ValueError`. `alone` is what the flag means without a value.
    """

    name: str
    flag: str | None
    variable: str
    default: str | None
    expected: str
    help: str
    parse: Callable[[str], object]
    alone: str | None = None


@dataclass(frozen=True)
class Settings:
    """The settings of one server; None is what the scenario says, for `public_url` the host that the reader of a mail asks for."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    scenario: str | None = None
    scenario_yaml: str | None = None
    watch: bool = False
    auth: Authentication | None = None
    profile: str | None = None
    public_url: str | None = None
    control_token: str | None = field(default=None, repr=False)
    smtp_relay: tuple[str, int] | None = None
    log_level: str = "info"
    tls_port: int | None = None
    tls_names: tuple[str, ...] = ()
    tls_directory: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    server_limits: ServerLimits = field(default_factory=ServerLimits)
    state_limits: StateLimits = field(default_factory=StateLimits)
    max_relay_mails: int = 1_000

    @property
    def tls_folder(self) -> Path:
        """The folder of the authority: the one set, else one in the user's folder for state; raises `SettingError`."""
        if self.tls_directory is not None:
            return Path(self.tls_directory)
        state = os.environ.get("XDG_STATE_HOME")
        try:
            return Path(state or Path.home() / ".local" / "state") / "alimock"
        except RuntimeError:
            raise SettingError("found no home of this user, expected --tls-directory or ALIMOCK_TLS_DIRECTORY") from None


def _host(text: str) -> str:
    if not text or any(character.isspace() or character in "/@?#" for character in text):
        raise ValueError(text)
    return text.strip("[]")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise ValueError(text)
    return int(text)


def _count(least: int, most: int) -> Callable[[str], int]:
    """Makes a parser of whole numbers from `least` to `most`."""

    def parse(text: str) -> int:
        if not _COUNT.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return parse


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) <= 65_535:
        raise ValueError(text)
    return _host(host), int(port)


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(text)
    return text == "yes"


def _token(text: str) -> str:
    # Clients disagree about how others are sent.
    if not text or not all("!" <= character <= "~" for character in text):
        raise ValueError(text)
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(_host(part.strip()) for part in text.split(","))


def _url(text: str) -> str:
    parts = urlsplit(text)
    # Diagnostics the port checks it.
    if not _URL.fullmatch(text) or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return text.rstrip("/")


def _limit(name: str, unit: str, least: int, help: str) -> Setting:
    """Gives the row of a limit, whose default is that of its dataclass."""
    most = _MOST_SECONDS if unit == "seconds" else _MOST
    flag, variable = f"--{name.replace('_', '-')}", f"ALIMOCK_{name.upper()}"
    default, expected = str(_LIMITS[name]), f"a number of {unit} from {least} to {most}"
    return Setting(name, flag, variable, default, expected, help, _count(least, most))


_LIMITS = {**asdict(ServerLimits()), **asdict(StateLimits()), "max_relay_mails": Settings.max_relay_mails}
_AUTHENTICATIONS = ", ".join(choice.value for choice in Authentication)

SETTINGS: tuple[Setting, ...] = (
    Setting("host", "--host", "ALIMOCK_HOST", "127.0.0.1", "a host name or IP address", "address to listen on", _host),
    Setting(
        "port", "--port", "ALIMOCK_PORT", str(DEFAULT_PORT), "a port from 0 to 65535",
        "port to listen on, 0 for any free one", _port,
    ),
    Setting(
        "scenario", "--scenario", "ALIMOCK_SCENARIO", "default", "a built-in name, or a path with a slash or .yaml",
        "scenario to start from; several, separated by commas, lie over each other", non_empty,
    ),
    Setting(
        "scenario_yaml", None, "ALIMOCK_SCENARIO_YAML", None, "a scenario as YAML text",
        "the scenario itself, in place of a name or path", str,
    ),
    Setting(
        "watch", "--watch", "ALIMOCK_WATCH", "no", "yes or no",
        "load the scenario anew when a file of it changes", _yes, alone="yes",
    ),
    Setting(
        "auth", "--auth", "ALIMOCK_AUTH", None, f"one of {_AUTHENTICATIONS}",
        "how signatures are checked, whatever the scenario says", Authentication,
    ),
    Setting(
        "profile", "--profile", "ALIMOCK_PROFILE", None, f"one of {', '.join(PROFILES)}",
        "generation of the API to speak, whatever the scenario says", one_of(PROFILES),
    ),
    Setting(
        "public_url", "--public-url", "ALIMOCK_PUBLIC_URL", None, "a URL like http://mail-check.example.com:2546",
        "where the links of mails lead; else the host that their reader asked", _url,
    ),
    Setting(
        "control_token", "--control-token", "ALIMOCK_CONTROL_TOKEN", None, "a text of visible ASCII characters",
        "what opens the control API, the page and the outbox, as a bearer's token or the password of any user", _token,
    ),
    Setting(
        "smtp_relay", "--smtp-relay", "ALIMOCK_SMTP_RELAY", None, "HOST:PORT",
        "SMTP server that each mail is delivered to as well", _host_and_port,
    ),
    Setting(
        "log_level", "--log-level", "ALIMOCK_LOG_LEVEL", "info", f"one of {', '.join(LOG_LEVELS)}",
        "least level of the log on standard error", one_of(LOG_LEVELS),
    ),
    Setting(
        "tls_port", "--tls-port", "ALIMOCK_TLS_PORT", None, "a port from 0 to 65535",
        "port of a second listener that speaks TLS, 0 for any free one", _port,
    ),
    Setting(
        "tls_names", "--tls-names", "ALIMOCK_TLS_NAMES", None, "host names, separated by commas",
        "names for the certificate beside the service's and this machine's", _names,
    ),
    Setting(
        "tls_directory", "--tls-directory", "ALIMOCK_TLS_DIRECTORY", None, "a folder",
        "where the emulator's own certificate authority is kept; else in the user's folder for state", str,
    ),
    Setting(
        "tls_certificate", "--tls-certificate", "ALIMOCK_TLS_CERTIFICATE", None, "a file with a certificate chain in PEM",
        "a certificate of your own", str,
    ),
    Setting("tls_key", "--tls-key", "ALIMOCK_TLS_KEY", None, "a file with a key in PEM", "the key of that certificate", str),
    _limit("max_header_bytes", "bytes", 1024, "how long the request line and the headers of a request may be together"),
    _limit("max_body_bytes", "bytes", 1024, "how long the body of a request may be"),
    _limit("max_call_bytes", "bytes", 1024, "how long the body of a call to the emulated API may be"),
    _limit("request_seconds", "seconds", 1, "how long a request may take to come, and its answer to be taken"),
    _limit("idle_seconds", "seconds", 1, "how long a connection stays open that sends nothing"),
    _limit("max_connections", "connections", 1, "how many connections may be open that send nothing"),
    _limit("max_threads", "threads", 8, "how many requests are answered at the same time; three quarters of them may wait"),
    _limit("max_accounts", "accounts", 1, "how many accounts are kept that no scenario names"),
    _limit("unused_account_seconds", "seconds", 1, "how long an account was not used that is forgotten when there are too many"),
    _limit("max_access_keys", "keys", 1, "how many access keys may be put while it runs"),
    _limit("max_entries_per_account", "entries", 1, "how many mails are kept of an account, how many calls, and how many changes"),
    _limit("max_entries", "entries", 1, "how many mails, calls and changes are kept of all accounts together"),
    _limit("max_relay_mails", "mails", 1, "how many mails may wait for the SMTP server of --smtp-relay"),
)  # fmt: skip


def resolve(options: Mapping[str, str | None], environ: Mapping[str, str]) -> Settings:
    """Gives the settings: an option of the command line, else the environment's variable, else the default.

    Raises `SettingError`. A variable that is set but empty counts as not set.
    """
    values: dict[str, object] = {}
    for setting in SETTINGS:
        option, variable = options.get(setting.name), environ.get(setting.variable)
        text = option if option is not None else (variable or None)
        if text is None:
            continue
        origin = setting.flag if option is not None else setting.variable
        try:
            values[setting.name] = setting.parse(text)
        except ValueError:
            raise SettingError(f"{origin}: found `{text}`, expected {setting.expected}") from None
    if "scenario" in values and "scenario_yaml" in values:
        raise SettingError("found both a scenario (--scenario or ALIMOCK_SCENARIO) and ALIMOCK_SCENARIO_YAML, expected one of them")
    if ("tls_certificate" in values) != ("tls_key" in values):
        raise SettingError("found one of --tls-certificate and --tls-key, expected both or neither")
    if "tls_port" not in values and {"tls_certificate", "tls_names"} & set(values):
        raise SettingError("found --tls-certificate or --tls-names without --tls-port, expected all of them or none")
    server = {one.name: values.pop(one.name) for one in fields(ServerLimits) if one.name in values}
    state = {one.name: values.pop(one.name) for one in fields(StateLimits) if one.name in values}
    return Settings(**values, server_limits=ServerLimits(**server), state_limits=StateLimits(**state))  # type: ignore[arg-type]

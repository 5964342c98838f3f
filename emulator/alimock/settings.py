"""The settings of `alimock serve` as one table, which feeds the command line, the environment, `--help` and the README."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alimock import environment
from alimock.api.exchanges import DEFAULT_MAX_EXCHANGE_BYTES
from alimock.environment import SettingError as SettingError
from alimock.persistence import location
from alimock.scenario.model import Authentication
from alimock.scenario.text_parsers import non_empty, one_of
from alimock.security import ANY_ORIGIN, origin_of
from alimock.spec.profiles import PROFILES
from alimock.state.limits import StateLimits

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")
DEFAULT_PORT = 2546
DEFAULT_MAX_RELAY_MAILS = 1_000
_YES_OR_NO = "yes or no"
_NUMBER = re.compile(r"[0-9]{1,9}")
_URL = re.compile(r"https?://[^/?#\s]+(/[^?#\s]*)?")
_WEBHOOK = re.compile(r"https?://[!-\"$-~]+")
# Extensions and applications have schemes of their own. Browsers send a host with other letters in Punycode.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+/?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class ServerLimits:
    """How much the HTTP server accepts from its clients, with the defaults."""

    max_header_bytes: int = 256 * 1024
    max_body_bytes: int = 16 * 1024 * 1024
    # As large as a query may be: the store is locked until every address of a call is handled.
    max_call_bytes: int = 256 * 1024
    request_seconds: float = 30
    # The real gateway sends `Keep-Alive: timeout=25`.
    idle_seconds: float = 25
    max_connections: int = 5_000


@dataclass(frozen=True)
class Limit:
    """One limit that `--limit NAME=VALUE` sets: its default and its smallest value."""

    name: str
    default: int
    minimum: int

    @property
    def maximum(self) -> int:
        """The largest value."""
        # epoll takes a timeout in milliseconds as a 32-bit number.
        return 2_000_000 if self.name.endswith("seconds") else 999_999_999

    def parse(self, text: str) -> int:
        """Return the value; raises `SettingError`."""
        if not _NUMBER.fullmatch(text) or not self.minimum <= int(text) <= self.maximum:
            raise SettingError(f"{self.name}: found `{text}`, expected a whole number from {self.minimum} to {self.maximum}")
        return int(text)


_DEFAULTS = {
    **asdict(ServerLimits()),
    **asdict(StateLimits()),
    "max_relay_mails": DEFAULT_MAX_RELAY_MAILS,
    "max_exchange_bytes": DEFAULT_MAX_EXCHANGE_BYTES,
}
_MINIMUMS = {"max_header_bytes": 1_024, "max_body_bytes": 1_024, "max_call_bytes": 1_024}
LIMITS = {name: Limit(name, int(default), _MINIMUMS.get(name, 1)) for name, default in _DEFAULTS.items()}


@dataclass(frozen=True)
class Setting:
    """One setting: its section of `--help`, the placeholder of its argument, its default as text, and what it accepts.

    `parse` takes the text and raises `ValueError`. `bare` is the value of the option without an argument.
    """

    name: str
    group: str
    metavar: str
    default: str | None
    expected: str
    help: str
    parse: Callable[[str], object]
    bare: str | None = None
    is_secret: bool = False

    @property
    def flag(self) -> str | None:
        """The option; None if only the environment sets it."""
        return {"scenario_yaml": None, "limits": "--limit"}.get(self.name, f"--{self.name.replace('_', '-')}")

    @property
    def choices(self) -> tuple[str, ...] | None:
        """The values that it accepts; None if there are any number."""
        if self.expected.startswith("one of "):
            return tuple(self.expected.removeprefix("one of ").split(", "))
        return ("yes", "no") if self.expected == _YES_OR_NO else None

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"{environment.PREFIX}{self.name.upper()}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that set it: a secret may also be in a file."""
        return (self.variable, self.variable + environment.FILE_SUFFIX) if self.is_secret else (self.variable,)

    def from_environment(self, environ: Mapping[str, str]) -> tuple[str, str] | None:
        """Return the variable that sets it and the value, or None; raises `SettingError`."""
        if self.is_secret:
            return environment.secret(environ, self.variable)
        text = environment.value(environ, self.variable)
        return (self.variable, text) if text is not None else None


@dataclass(frozen=True)
class Settings:
    """The settings of one server. None means: as the scenario says, or for `public_url` the Host of the request."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    scenario: str | None = None
    scenario_yaml: str | None = None
    watch: bool = False
    export_on_exit: str | None = None
    auth: Authentication | None = None
    profile: str | None = None
    public_url: str | None = None
    control_token: str | None = field(default=None, repr=False)
    cors_origin: tuple[str, ...] = ()
    smtp_relay: tuple[str, int] | None = None
    webhook: str | None = field(default=None, repr=False)
    state: Path | location.ValkeyServer | None = field(default=None, repr=False)
    log_commands: str | None = None
    log_level: str = "info"
    log_format: str = "text"
    tls_port: int | None = None
    tls_names: tuple[str, ...] = ()
    tls_directory: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    server_limits: ServerLimits = field(default_factory=ServerLimits)
    state_limits: StateLimits = field(default_factory=StateLimits)
    max_relay_mails: int = DEFAULT_MAX_RELAY_MAILS
    max_exchange_bytes: int = DEFAULT_MAX_EXCHANGE_BYTES

    @property
    def tls_folder(self) -> Path:
        """The folder of the certificate authority, by default in the user's state folder; raises `SettingError`."""
        if self.tls_directory is not None:
            return Path(self.tls_directory)
        state = os.environ.get("XDG_STATE_HOME")
        try:
            return Path(state or Path.home() / ".local" / "state") / "alimock"
        except RuntimeError:
            raise SettingError("the current user has no home folder; set --tls-directory or ALIMOCK_TLS_DIRECTORY") from None


def _host(text: str) -> str:
    if not text or any(character.isspace() or character in "/@?#" for character in text):
        raise ValueError(text)
    return text.strip("[]")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise ValueError(text)
    return int(text)


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if _port(port) == 0:
        raise ValueError(text)
    return _host(host), int(port)


def _yes(text: str) -> bool:
    return one_of(("yes", "no"))(text) == "yes"


def _token(text: str) -> str:
    # Clients encode other characters in different ways.
    if not text or not all("!" <= character <= "~" for character in text):
        raise ValueError(text)
    return text


def _origins(text: str) -> tuple[str, ...]:
    return tuple(part if part == ANY_ORIGIN else _origin(part) for part in map(str.strip, text.split(",")))


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if not _ORIGIN.fullmatch(text) or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return origin_of(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(_host(part.strip()) for part in text.split(","))


def _url(text: str) -> str:
    parts = urlsplit(text)
    # `port` raises ValueError for a port out of range.
    if not _URL.fullmatch(text) or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return text.rstrip("/")


def _webhook(text: str) -> str:
    parts = urlsplit(text)
    # The encoding raises ValueError for a label that is empty or too long.
    if not _WEBHOOK.fullmatch(text) or not (parts.hostname or "").encode("idna") or parts.port == 0:
        raise ValueError(text)
    return text


def _state(text: str) -> Path | location.ValkeyServer:
    try:
        return location.location_of(non_empty(text))
    except ValueError as error:
        # Not the text, which may have a password.
        raise SettingError(f"{error}; expected {location.EXPECTED}") from None


def _limit_values(text: str) -> dict[str, int]:
    values = {}
    for part in text.split(","):
        written, equals, value = (word.strip() for word in part.partition("="))
        if not equals:
            raise SettingError(f"found `{part}`, expected NAME=VALUE, for example idle_seconds=60")
        # Hyphens are accepted, as in the names of options.
        name = written.replace("-", "_")
        if name not in LIMITS:
            near = difflib.get_close_matches(name, LIMITS, n=1)
            suggestion = f"; did you mean {near[0]}?" if near else ""
            raise SettingError(f"unknown limit `{written}`{suggestion}\nLimits: {', '.join(LIMITS)}")
        values[name] = LIMITS[name].parse(value)
    return values


_AUTHENTICATIONS = f"one of {', '.join(choice.value for choice in Authentication)}"
_PORT = "a port from 0 to 65535"

SETTINGS: tuple[Setting, ...] = (
    Setting("host", "server", "HOST", "127.0.0.1", "a host name or IP address", "address to listen on", _host),
    Setting("port", "server", "PORT", str(DEFAULT_PORT), _PORT, "port to listen on, 0 for any free port", _port),
    Setting("control_token", "server", "TOKEN", None, "visible ASCII characters",
            "token required for the control API, web UI and outbox (Bearer, or Basic with any user name)", _token, is_secret=True),
    Setting("cors_origin", "server", "ORIGINS", None, "origins like http://localhost:3000, comma-separated, or *",
            "origins that may use the control API (CORS)", _origins),
    Setting("scenario", "scenario", "SCENARIOS", "default", "built-in names, or paths with a slash, .yaml, .yml or .json",
            "initial scenario; of several, separated by commas, later ones win", non_empty),
    Setting("scenario_yaml", "scenario", "YAML", None, "a scenario as YAML text",
            "inline YAML scenario, used instead of --scenario", str),
    Setting("watch", "scenario", "yes|no", "no", _YES_OR_NO, "reload the scenario when its files change", _yes, bare="yes"),
    Setting("export_on_exit", "scenario", "FILE", None, "a file in a writable directory",
            "scenario file to write the state to on exit", non_empty),
    Setting("state", "scenario", "FILE|URL", None, location.EXPECTED, "where to keep the state (default: in memory)", _state),
    Setting("log_commands", "scenario", "FILE", None, "a file in a writable directory",
            "file to log every change to, for alimock replay", non_empty),
    Setting("auth", "scenario", "MODE", None, _AUTHENTICATIONS,
            "how signatures are checked; overrides the scenario", Authentication),
    Setting("profile", "scenario", "PROFILE", None, f"one of {', '.join(PROFILES)}",
            "response layout; overrides the scenario", one_of(PROFILES)),
    Setting("public_url", "mail", "URL", None, "a URL like http://mail-check.example.com:2546",
            "base URL of links (default: the reader's Host)", _url),
    Setting("smtp_relay", "mail", "HOST:PORT", None, "HOST:PORT",
            "SMTP server to relay each email to", _host_and_port),
    Setting("webhook", "mail", "URL", None, "a URL like https://example.com/hook",
            "URL to post each email to, as JSON", _webhook, is_secret=True),
    Setting("tls_port", "TLS", "PORT", None, _PORT, "port of a TLS listener, 0 for any free port", _port),
    Setting("tls_names", "TLS", "NAMES", None, "host names, comma-separated", "additional host names in the certificate", _names),
    Setting("tls_directory", "TLS", "DIR", None, "a directory", "where to keep alimock's certificate authority", str),
    Setting("tls_certificate", "TLS", "FILE", None, "a PEM file", "your own certificate chain", str),
    Setting("tls_key", "TLS", "FILE", None, "a PEM file", "private key of that certificate", str),
    Setting("log_level", "logging", "LEVEL", "info", f"one of {', '.join(LOG_LEVELS)}", "minimum log level", one_of(LOG_LEVELS)),
    Setting("log_format", "logging", "FORMAT", "text", f"one of {', '.join(LOG_FORMATS)}",
            "format of the log", one_of(LOG_FORMATS)),
    Setting("limits", "limits", "NAME=VALUE", None, "NAME=VALUE, comma-separated", "set a limit; repeatable", _limit_values),
)  # fmt: skip


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a warning for each variable with alimock's prefix that has no effect."""
    known = [variable for setting in SETTINGS for variable in setting.variables]
    return list(environment.unknown(environ, known, LIMITS))


def resolve(options: Mapping[str, str | None], environ: Mapping[str, str], *, as_options: bool = True) -> Settings:
    """Return the settings; an option wins over its environment variable, for limits name by name.

    Raises `SettingError`, which names options as on the command line, or without `as_options` by the setting's name. An empty
    variable counts as unset, and so does one that Kubernetes sets for a Service.
    """
    values: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    for setting in SETTINGS:
        option = setting.flag if as_options else setting.name
        text = options.get(setting.name)
        given = (option, text) if text is not None else None
        if setting.name == "limits":
            for one in filter(None, (setting.from_environment(environ), given)):
                limits.update(_parsed(setting, *one))
        elif given := given or setting.from_environment(environ):
            values[setting.name] = _parsed(setting, *given)
    _check_combinations(values)
    server = ServerLimits(**{one.name: limits.pop(one.name) for one in fields(ServerLimits) if one.name in limits})
    state = StateLimits(**{one.name: limits.pop(one.name) for one in fields(StateLimits) if one.name in limits})
    return Settings(**values, **limits, server_limits=server, state_limits=state)


def control_token(environ: Mapping[str, str], password: str | None) -> str | None:
    """Return the token that a client sends: the password of its URL, else that of the environment; raises `SettingError`."""
    setting = next(one for one in SETTINGS if one.name == "control_token")
    given = ("the password in the URL", password) if password else setting.from_environment(environ)
    token: str | None = _parsed(setting, *given) if given is not None else None
    return token


def _parsed(setting: Setting, origin: str | None, text: str) -> Any:
    try:
        return setting.parse(text)
    except SettingError as error:
        raise SettingError(f"{origin}: {error}") from None
    except ValueError:
        found = "a value that is not shown" if setting.is_secret else f"`{text}`"
        raise SettingError(f"{origin}: found {found}, expected {setting.expected}") from None


def _check_combinations(values: Mapping[str, object]) -> None:
    if "scenario" in values and "scenario_yaml" in values:
        raise SettingError("found both a scenario (--scenario or ALIMOCK_SCENARIO) and ALIMOCK_SCENARIO_YAML, expected one of them")
    if ("tls_certificate" in values) != ("tls_key" in values):
        raise SettingError("found one of --tls-certificate and --tls-key, expected both or neither")
    state, recording = values.get("state"), values.get("log_commands")
    if isinstance(state, Path) and recording is not None and state.resolve() == Path(str(recording)).resolve():
        raise SettingError("found one file for --state and --log-commands, expected two")
    if "tls_port" not in values and {"tls_certificate", "tls_names"} & values.keys():
        raise SettingError("found --tls-certificate or --tls-names without --tls-port, expected --tls-port too")

"""The environment variables `ALIMOCK_*`: their values, secrets in files, and names that alimock does not know."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

PREFIX = "ALIMOCK_"
FILE_SUFFIX = "_FILE"
# What `alimock run` sets, what the pytest plugin and the commands read, and where the examples take the package and the image from.
CLIENT_VARIABLES = ("ALIMOCK_URL", "ALIMOCK_ENDPOINT", "ALIMOCK_STRICT", "ALIMOCK_PACKAGE", "ALIMOCK_IMAGE")
_MAXIMUM_SECRET_BYTES = 64 * 1024
# Kubernetes sets these in every pod for a Service whose name is `alimock` or begins with `alimock-`. `ALIMOCK_PORT` is one, too.
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
# Docker sets the last two, and some of the others, for a link to a container of that name, as GitLab CI makes for a service.
# https://docs.docker.com/engine/network/links/#environment-variables
_SERVICE_NAME = re.compile(
    r"ALIMOCK(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?|ENV_\w+)|ALIMOCK_NAME"
)
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+", re.IGNORECASE)


class SettingError(ValueError):
    """A setting whose value is invalid."""


def value(environ: Mapping[str, str], name: str) -> str | None:
    """Return the value of a variable; None if it is unset, empty, or the address of a Kubernetes Service."""
    text = environ.get(name) or None
    return None if text is not None and _is_of_service(name, text) else text


def secret(environ: Mapping[str, str], name: str) -> tuple[str, str] | None:
    """Return the name and the value of a variable with a secret, or of the variable `<name>_FILE` with the path of its file.

    None if neither is set. The newline at the end of the file does not count. Raises `SettingError` if both are set and for a file
    that is unreadable or empty.
    """
    text, path = value(environ, name), value(environ, name + FILE_SUFFIX)
    if text is not None and path is not None:
        raise SettingError(f"found both {name} and {name}{FILE_SUFFIX}, expected one of them")
    if path is not None:
        return name + FILE_SUFFIX, _content(name + FILE_SUFFIX, path)
    return (name, text) if text is not None else None


def unknown(environ: Mapping[str, str], known: Collection[str], limits: Collection[str]) -> Iterator[str]:
    """Yield a warning for each set variable with alimock's prefix that is neither known nor one of a service."""
    names = (*known, *CLIENT_VARIABLES)
    # Without the prefix, which all names share.
    words = [name.removeprefix(PREFIX) for name in names]
    for name, text in sorted(environ.items()):
        if not name.upper().startswith(PREFIX) or not text or name in names or _is_of_service(name, text):
            continue
        word = name.upper().removeprefix(PREFIX)
        limit = word.lower()
        near = [f"LIMITS={limit}=..."] if limit in limits else difflib.get_close_matches(word, words, n=1)
        suggestion = f"did you mean {PREFIX}{near[0]}?" if near else "see `alimock serve --help`"
        yield f"the environment variable {name} is not a setting of alimock; {suggestion}"


def _is_of_service(name: str, text: str) -> bool:
    return _SERVICE_NAME.fullmatch(name) is not None or (name.endswith("_PORT") and _SERVICE_ADDRESS.fullmatch(text) is not None)


def _content(variable: str, path: str) -> str:
    """Return the text of the file of a secret."""
    try:
        if Path(path).is_fifo():
            raise SettingError(
                f"{variable}: `{path}` is a named pipe, which may never have content; expected a file with the secret"
            )
        with open(path, "rb") as stream:
            content = stream.read(_MAXIMUM_SECRET_BYTES + 1)
    except OSError as error:
        raise SettingError(f"{variable}: cannot read `{path}`: {error.strerror}; expected a file with the secret") from None
    text = content.decode("utf-8-sig", "replace").rstrip("\r\n")
    if not text.strip() or len(content) > _MAXIMUM_SECRET_BYTES:
        found = "too large" if text.strip() else "empty"
        raise SettingError(f"{variable}: `{path}` is {found}; expected a file with the secret")
    return text

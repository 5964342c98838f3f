"""The errors of the client: what alimock refused, and what happened to a request that got no response from it."""

from __future__ import annotations

import ssl
from typing import Any

from alimock.client import http_client

# The first byte of what a TLS server sends to a client that speaks HTTP.
_TLS_ALERT = "\x15"
_CLOSED = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, http_client.IncompleteRead)
_TRUST_HINT = "Set SSL_CERT_FILE to the certificate of its authority; `alimock ca` prints that of alimock's own."


class EmulatorError(Exception):
    """A failed request: the emulator could not be reached, or it rejected the request.

    Attributes:
        status: The HTTP status of the rejection; None if there was no response.
        answer: The JSON of the rejection: `message`, `hint` and details.
    """

    def __init__(self, message: str, status: int | None = None, answer: dict[str, Any] | None = None) -> None:
        self.status = status
        self.answer = answer or {}
        super().__init__(message)


class WaitTimeout(EmulatorError, TimeoutError):
    """A wait that timed out; the message lists what did not match."""


def failure(url: str, error: Exception, seconds: float | None) -> EmulatorError:
    """Return the error for a request to a URL that got no response; `seconds` was its timeout."""
    if isinstance(error, TimeoutError):
        return EmulatorError(f"No response from alimock at {url} within {seconds:g} s. Check the URL and the port.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return EmulatorError(f"Untrusted certificate at {url}: {error.verify_message}. {_TRUST_HINT}")
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "TLS error").lower().replace("_", " ")
        return EmulatorError(f"No TLS connection to {url}: {reason}. Check the scheme and the port.")
    if isinstance(error, _CLOSED):
        return EmulatorError(
            f"{url} closed the connection without a complete response. Is alimock still running there, and are the scheme and "
            "the port right?"
        )
    if isinstance(error, http_client.HTTPException):
        speaks_tls = str(error).startswith(_TLS_ALERT)
        return not_alimock(url, "it speaks TLS; use https or the HTTP port" if speaks_tls else f"{error!r:.100}")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return EmulatorError(f"Cannot reach alimock at {url}. Is `alimock serve` running? ({reason})")


def not_alimock(url: str, reason: str) -> EmulatorError:
    """Return the error for a server that does not answer as alimock does."""
    return EmulatorError(f"The server at {url} is not alimock: {reason}. Check the URL and the port.")

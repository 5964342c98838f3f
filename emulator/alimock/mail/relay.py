"""Delivery of a mail by SMTP, to a mail catcher that the team has."""

from __future__ import annotations

import smtplib
from contextlib import suppress

from alimock.mail import message
from alimock.mail.forwarder import TIMEOUT_SECONDS, DeliveryError
from alimock.security import bracketed
from alimock.state.outbox import Mail


class Relay:
    """An SMTP server."""

    name = "relay"

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    @property
    def address(self) -> str:
        """Its host and port."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def document(self) -> dict[str, object]:
        """Its host and port, apart."""
        return {"host": self.host, "port": self.port}

    def send(self, mail: Mail, base_url: str) -> None:
        """Deliver a mail; raises `DeliveryError`."""
        try:
            self._send(mail, base_url)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise DeliveryError(f"{type(error).__name__}: {error}", is_transient=_is_transient(error)) from error

    def _send(self, mail: Mail, base_url: str) -> None:
        # Without a host name smtplib looks one up in the DNS.
        server = smtplib.SMTP(self.host, self.port, local_hostname="localhost", timeout=TIMEOUT_SECONDS)
        try:
            server.send_message(message.build(mail, base_url), message.SENDER.addr_spec, [mail.to])
        finally:
            # The delivery is decided by now, whatever the server replies to QUIT.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()


def _is_transient(error: Exception) -> bool:
    """Return whether a retry may succeed: not after a 5xx reply, nor if the server lacks a feature."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code < 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code < 500
    return isinstance(error, OSError) and not isinstance(error, smtplib.SMTPNotSupportedError)

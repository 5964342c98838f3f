"""Delivery of each mail by SMTP, to a mail catcher that the team has. A failed delivery never fails the call."""

from __future__ import annotations

import logging
import smtplib
from contextlib import suppress
from dataclasses import dataclass
from queue import Full, Queue
from threading import Event, Thread

from alimock.mail import message
from alimock.state.outbox import Mail

logger = logging.getLogger(__name__)

ATTEMPTS = 3
RETRY_SECONDS = 1.0
TIMEOUT_SECONDS = 10
STOP_SECONDS = 1


@dataclass
class RelayCounts:
    """The results of a relay; `last_error` is None if the last mail was delivered."""

    delivered: int = 0
    failed: int = 0
    last_error: str | None = None


class Relay:
    """Delivers mails one after another in its own thread; at most `max_waiting` mails are queued."""

    def __init__(self, host: str, port: int, max_waiting: int) -> None:
        self.host = host
        self.port = port
        self.counts = RelayCounts()
        self._mails: Queue[Mail | None] = Queue(max_waiting)
        self._base_url = ""
        self._closed = Event()
        self._thread = Thread(target=self._run, name="alimock relay", daemon=True)

    @property
    def waiting(self) -> int:
        """The number of queued mails."""
        return self._mails.qsize()

    def start(self, base_url: str) -> None:
        """Start to deliver; the links in the mails begin with `base_url`."""
        self._base_url = base_url
        self._thread.start()

    def stop(self) -> None:
        """Stop; queued mails are not delivered."""
        self._closed.set()
        if not self._thread.is_alive():
            return
        if self._mails.empty():
            self._mails.put(None)
        else:
            logger.warning("%s queued mails were not relayed, because alimock stops", self._mails.qsize())
        self._thread.join(STOP_SECONDS)

    def take(self, mail: Mail) -> None:
        """Queue a mail without blocking; it fails if the queue is full."""
        try:
            self._mails.put_nowait(mail)
        except Full:
            self._fail(mail, f"the queue is full ({self._mails.maxsize} mails)")

    def _run(self) -> None:
        while (mail := self._mails.get()) is not None and not self._closed.is_set():
            try:
                self._deliver(mail)
            except Exception as error:
                # A mail that cannot be rendered must not end the thread.
                logger.exception("Internal error in alimock while relaying a mail; please report it with this log")
                self._fail(mail, str(error))

    def _deliver(self, mail: Mail) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._send(mail)
            except (OSError, smtplib.SMTPException, ValueError) as error:
                if attempt == ATTEMPTS or not _is_transient(error):
                    self._fail(mail, f"{type(error).__name__}: {error}")
                    return
                if self._closed.wait(RETRY_SECONDS):
                    return
            else:
                self.counts.delivered += 1
                self.counts.last_error = None
                return

    def _send(self, mail: Mail) -> None:
        # Without a host name smtplib looks one up in the DNS.
        server = smtplib.SMTP(self.host, self.port, local_hostname="localhost", timeout=TIMEOUT_SECONDS)
        try:
            server.send_message(message.build(mail, self._base_url), message.SENDER.addr_spec, [mail.to])
        finally:
            # The delivery is decided by now, whatever the server replies to QUIT.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _fail(self, mail: Mail, reason: str) -> None:
        self.counts.failed += 1
        self.counts.last_error = reason
        logger.warning("not relayed to %s:%s: mail %s to %s: %s", self.host, self.port, mail.id, mail.to, reason)


def _is_transient(error: Exception) -> bool:
    """Return whether a retry may succeed: not after a 5xx reply, nor if the server lacks a feature."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code < 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code < 500
    return isinstance(error, OSError) and not isinstance(error, smtplib.SMTPNotSupportedError)

"""Delivering each mail by SMTP too, to a catcher that the team runs already. A relay that fails never fails the call."""

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
# Before the second and the third attempt.
PAUSE_SECONDS = 1.0
TIMEOUT_SECONDS = 10
STOP_SECONDS = 1


@dataclass
class RelayCounts:
    """What became of the mails given to a relay; `last_error` is None while all is well."""

    delivered: int = 0
    failed: int = 0
    last_error: str | None = None


class Relay:
    """Delivers mails one after another in a thread of its own; at most `max_waiting` wait for it."""

    def __init__(self, host: str, port: int, max_waiting: int) -> None:
        self.host = host
        self.port = port
        self.max_waiting = max_waiting
        self.counts = RelayCounts()
        self._mails: Queue[Mail | None] = Queue(max_waiting)
        self._base_url = ""
        self._closed = Event()
        self._thread = Thread(target=self._run, name="alimock relay", daemon=True)

    @property
    def waiting(self) -> int:
        """How many mails wait to be delivered."""
        return self._mails.qsize()

    def start(self, base_url: str) -> None:
        """Begins to deliver; the links of the mails begin with `base_url`."""
        self._base_url = base_url
        self._thread.start()

    def stop(self) -> None:
        """Ends; mails that still wait are not delivered."""
        self._closed.set()
        if not self._thread.is_alive():
            return
        if self._mails.empty():
            self._mails.put(None)
        else:
            logger.warning("%s mails were not relayed before the end", self._mails.qsize())
        self._thread.join(STOP_SECONDS)

    def take(self, one: Mail) -> None:
        """Takes a mail to deliver; it returns at once, and lets a mail go when too many wait."""
        try:
            self._mails.put_nowait(one)
        except Full:
            self._fail(one, f"{self.max_waiting} mails wait already")

    def _run(self) -> None:
        while not self._closed.is_set():
            one = self._mails.get()
            if one is None or self._closed.is_set():
                continue
            try:
                self._deliver(one)
            except Exception as error:
                # A mail that cannot be written down must not end the thread.
                logger.exception("alimock failed to relay a mail; please report this")
                self._fail(one, str(error))

    def _deliver(self, one: Mail) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._send(one)
            except (OSError, smtplib.SMTPException, ValueError) as error:
                if attempt == ATTEMPTS or not _may_pass(error):
                    self._fail(one, f"{type(error).__name__}: {error}")
                    return
                if self._closed.wait(PAUSE_SECONDS):
                    return
            else:
                self.counts.delivered += 1
                self.counts.last_error = None
                return

    def _send(self, one: Mail) -> None:
        # With a name of its own it asks no name server for one.
        server = smtplib.SMTP(self.host, self.port, local_hostname="localhost", timeout=TIMEOUT_SECONDS)
        try:
            server.send_message(message.build(one, self._base_url), message.SENDER.addr_spec, [one.to])
        finally:
            # The mail is delivered or refused by now, whatever the server says to the end.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _fail(self, one: Mail, reason: str) -> None:
        self.counts.failed += 1
        self.counts.last_error = reason
        logger.warning("not relayed to %s:%s: mail %s to %s: %s", self.host, self.port, one.id, one.to, reason)


def _may_pass(error: Exception) -> bool:
    """Says whether another attempt may succeed: not after a refusal for good, nor of what the server does not support."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code < 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code < 500
    return isinstance(error, OSError) and not isinstance(error, smtplib.SMTPNotSupportedError)

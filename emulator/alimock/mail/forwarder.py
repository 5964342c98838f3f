"""Forwarding of each mail to a server that the user configured. A failure never affects the call that sent the mail."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from queue import Full, Queue
from threading import Event, Thread
from typing import Protocol

from alimock.state.commands import RecordDelivery
from alimock.state.executor import Executor, Unavailable
from alimock.state.outbox import Delivery, DeliveryState, Mail

logger = logging.getLogger(__name__)

ATTEMPTS = 3
RETRY_SECONDS = 1.0
TIMEOUT_SECONDS = 10
STOP_SECONDS = 1


class DeliveryError(Exception):
    """A failed attempt; `is_transient` is whether another one may succeed."""

    def __init__(self, reason: str, *, is_transient: bool) -> None:
        super().__init__(reason)
        self.is_transient = is_transient


class Target(Protocol):
    """Where mails are forwarded to."""

    @property
    def name(self) -> str:
        """Its name in responses."""

    @property
    def address(self) -> str:
        """Its address for the log, without secrets."""

    @property
    def document(self) -> dict[str, object]:
        """Its address for responses, without secrets."""

    def send(self, mail: Mail, base_url: str) -> None:
        """Deliver a mail whose links begin with a URL; raises `DeliveryError`."""


@dataclass
class Counts:
    """The results of a forwarder; `last_error` is None if the last mail was delivered."""

    delivered: int = 0
    failed: int = 0
    last_error: str | None = None


class Forwarder:
    """Delivers mails to a target one after another in its own thread; at most `max_waiting` mails are queued."""

    def __init__(self, target: Target, executor: Executor, max_waiting: int) -> None:
        self.target = target
        self.counts = Counts()
        self._executor = executor
        self._mails: Queue[Mail | None] = Queue(max_waiting)
        self._base_url = ""
        self._closed = Event()
        self._thread = Thread(target=self._run, name=f"alimock {target.name}", daemon=True)

    @property
    def waiting(self) -> int:
        """The number of queued mails."""
        return self._mails.qsize()

    def start(self, base_url: str) -> None:
        """Start to deliver; the links in the mails begin with `base_url`."""
        self._base_url = base_url
        self._executor.mail_receivers[self.target.name] = self._take
        if not self._executor.is_shared:
            # This process has stopped without a chance to say so. Those of other replicas may still be delivered.
            self._give_up(self._undelivered())
        self._thread.start()

    def stop(self) -> None:
        """Stop; queued mails are not delivered."""
        self._closed.set()
        if not self._thread.is_alive():
            return
        if self._mails.empty():
            self._mails.put(None)
        else:
            logger.warning(
                "%s queued mails were not delivered to %s, because alimock stops", self._mails.qsize(), self.target.address
            )
        self._thread.join(STOP_SECONDS)
        self._give_up(mail for mail in self._mails.queue if mail is not None)

    def _undelivered(self) -> list[Mail]:
        """Return the mails of the outbox that wait for their delivery to the target."""
        store, waiting = self._executor.store, Delivery(DeliveryState.WAITING)
        with store.transaction():
            deliveries = store.outbox.deliveries
            return [mail for mail in store.outbox.entries() if deliveries.get(mail.id, {}).get(self.target.name) == waiting]

    def _give_up(self, mails: Iterable[Mail]) -> None:
        """Record that mails are not delivered any more, if the state outlives this process."""
        for mail in mails if self._executor.is_stored else ():
            self._record(mail, Delivery(DeliveryState.FAILED, "alimock was stopped before the delivery"))

    def _take(self, mail: Mail) -> None:
        """Queue a mail without blocking; it fails if the queue is full."""
        try:
            self._mails.put_nowait(mail)
        except Full:
            self._fail(mail, f"the queue is full ({self._mails.maxsize} mails)")

    def _run(self) -> None:
        # What is queued when it stops stays there.
        while not self._closed.is_set() and (mail := self._mails.get()) is not None:
            try:
                self._deliver(mail)
            except Exception as error:
                # A mail that cannot be rendered must not end the thread.
                logger.exception("Internal error in alimock while forwarding a mail; please report it with this log")
                self._fail(mail, str(error))

    def _deliver(self, mail: Mail) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self.target.send(mail, self._base_url)
            except DeliveryError as error:
                if attempt == ATTEMPTS or not error.is_transient:
                    self._fail(mail, str(error))
                    return
                if self._closed.wait(RETRY_SECONDS):
                    self._give_up([mail])
                    return
            else:
                self._record(mail, Delivery(DeliveryState.DELIVERED))
                self.counts.delivered += 1
                self.counts.last_error = None
                return

    def _fail(self, mail: Mail, reason: str) -> None:
        logger.warning("not delivered to %s: mail %s to %s: %s", self.target.address, mail.id, mail.to, reason)
        self._record(mail, Delivery(DeliveryState.FAILED, reason))
        self.counts.failed += 1
        self.counts.last_error = reason

    def _record(self, mail: Mail, delivery: Delivery) -> None:
        try:
            self._executor.execute(RecordDelivery(mail.sequence, self.target.name, delivery))
        except Unavailable as reason:
            logger.warning("the delivery of mail %s to %s was not recorded: %s", mail.id, self.target.address, reason)

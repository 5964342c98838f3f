"""The outbox over HTTP: the mails that would have been sent, with their tokens and links."""

from __future__ import annotations

from datetime import datetime, timezone

from flask import Response, request

from alimock import mail
from alimock.address import fold
from alimock.control import arguments
from alimock.control.problem import Problem
from alimock.doors import Doors
from alimock.timeformat import format_time
from alimock.world.outbox import Mail
from alimock.world.world import World

DEFAULT_LIMIT = 100
MAXIMUM_LIMIT = 5_000
_FILTERS = ("to", "action", "access_key_id")


class OutboxResource:
    """Lists, shows and deletes mails."""

    def __init__(self, world: World, doors: Doors) -> None:
        self.world = world
        self.doors = doors

    def page(self) -> dict[str, object]:
        """Lists mails newest first, or with `after` those behind that cursor, oldest first."""
        given = arguments.query(*_FILTERS, "after", "limit")
        limit = arguments.number(given, "limit", DEFAULT_LIMIT, MAXIMUM_LIMIT)
        after = arguments.number(given, "after", 0, 10**18 - 1)
        with self.world.lock:
            cursor, outbox, account = self.world.cursor, self.world.outbox, self._account_name(given)
            evicted, evicted_through = outbox.evicted(account), outbox.evicted_through(account)
            found = self._matching(given)
        if after > cursor:
            hint = "the emulator was restarted since; begin again without `after`"
            raise Problem(410, f"`after`: {after} is beyond the cursor {cursor}", hint)
        if "after" in given:
            chosen = [one for one in found if one.sequence > after][:limit]
            # A full page goes on from its own last mail, so that none between it and the cursor is missed.
            if len(chosen) == limit:
                cursor = chosen[-1].sequence if chosen else after
        else:
            chosen = found[::-1][:limit]
        answer: dict[str, object] = {"messages": [self._summary(one) for one in chosen], "cursor": cursor, "evicted": evicted}
        return {**answer, "gap": True} if "after" in given and after < evicted_through else answer

    def show(self, mail_id: str) -> dict[str, object]:
        """Shows one mail with its text and its HTML."""
        found, url = self._get(mail_id), self._base_url()
        return {**self._summary(found), "text": mail.text_body(found, url), "html": mail.html_body(found, url)}

    def raw(self, mail_id: str) -> Response:
        """Gives the RFC 5322 message itself."""
        return Response(mail.message(self._get(mail_id), self._base_url()).as_bytes(), content_type="message/rfc822")

    def delete(self) -> dict[str, object]:
        """Deletes the mails that match, all of them without a filter."""
        given = arguments.query(*_FILTERS)
        with self.world.lock:
            found = self._matching(given)
            for one in found:
                self.world.outbox.remove(one)
        return {"deleted": len(found)}

    def _account_name(self, given: dict[str, str]) -> str | None:
        key_id = given.get("access_key_id")
        return self.world.account_name(key_id) if key_id is not None else None

    def _matching(self, given: dict[str, str]) -> list[Mail]:
        to, action = fold(given.get("to", "")), given.get("action")
        return [
            one
            for one in self.world.outbox.mails(self._account_name(given))
            if (not to or fold(one.to) == to) and (action is None or one.action == action)
        ]

    def _get(self, mail_id: str) -> Mail:
        with self.world.lock:
            found = self.world.outbox.get(mail_id)
        if found is None:
            raise Problem(404, f"no message {mail_id}", "it may have been deleted, evicted or reset; see GET /_alimock/outbox")
        return found

    def _base_url(self) -> str:
        return self.doors.base_url(request.scheme, request.headers.get("Host", ""), request.environ.get("SERVER_PORT", ""))

    def _summary(self, one: Mail) -> dict[str, object]:
        with self.world.lock:
            state = one.token_state
        received = datetime.fromtimestamp(one.received, timezone.utc)
        return {
            "id": one.id,
            "sequence": one.sequence,
            "to": one.to,
            "subject": mail.subject(one),
            "lang": one.lang,
            "action": one.action,
            "access_key_id": one.access_key_id,
            "request_id": one.request_id,
            "token": one.token,
            "token_state": state.value,
            "link": mail.link(one, self._base_url()),
            "created": format_time(one.created),
            "received": received.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

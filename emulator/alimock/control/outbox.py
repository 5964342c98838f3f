"""The outbox over HTTP: the mails that would have been sent, with their tokens and links, and waiting for one."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from flask import Response, request

from alimock.control import arguments, lists
from alimock.control.guard import base_url
from alimock.control.problem import Problem
from alimock.mail import message
from alimock.security import HostPolicy
from alimock.spec.address import fold
from alimock.spec.contract import OPERATIONS
from alimock.spec.times import format_real_time, format_time, parse_time
from alimock.state.log import EventType
from alimock.state.outbox import Mail
from alimock.state.store import Store

_FILTERS = ("to", "action", "access_key_id", "text", "since", "until")


class OutboxResource:
    """Lists, shows, awaits and deletes mails."""

    def __init__(self, store: Store, host_policy: HostPolicy) -> None:
        self.store = store
        self.host_policy = host_policy

    def page(self) -> dict[str, object]:
        """Lists mails newest first, or with `after` those behind that cursor, oldest first."""
        given = arguments.query(*_FILTERS, "after", "limit")
        return lists.listed(self.store, self.store.outbox, "messages", given, self._matcher(given), self._summary)

    def wait(self) -> dict[str, object]:
        """Gives the first mail behind `after` that matches, as soon as it is there; without it the newest that is there counts.

        At the end of `timeout` (10 seconds) it says what arrived instead.
        """
        given = arguments.query(*_FILTERS, "after", "timeout")
        awaited = lists.awaited(self.store, self.store.outbox, EventType.MAIL, given, self._matcher(given))
        if awaited.found is None:
            told = awaited.told(lambda one: f"{one.action} to {one.to}")
            hint = f"there instead: {told}; see the calls for what was refused"
            shown = [self._summary(one) for one in awaited.instead]
            raise Problem(408, f"no such mail within {awaited.timeout:g} seconds", hint, messages=shown, cursor=awaited.cursor)
        return {"message": self._summary(awaited.found), "cursor": awaited.cursor}

    def show(self, mail_id: str) -> dict[str, object]:
        """Shows one mail with its text and its HTML."""
        found, url = self._get(mail_id), self._base_url()
        return {**self._summary(found), "text": message.text_body(found, url), "html": message.html_body(found, url)}

    def raw(self, mail_id: str) -> Response:
        """Gives the RFC 5322 message itself."""
        return Response(message.build(self._get(mail_id), self._base_url()).as_bytes(), content_type="message/rfc822")

    def delete(self) -> dict[str, object]:
        """Deletes the mails that match, or those of the ids in the body; all of them without either."""
        given = arguments.query(*_FILTERS)
        ids = self._ids()
        matches = self._matcher(given)
        with self.store.lock:
            mails = self.store.outbox.entries(lists.account_name(self.store, given))
            found = [one for one in mails if matches(one) and (ids is None or one.id in ids)]
            return {"deleted": self.store.delete_mails(found)}

    def delete_one(self, mail_id: str) -> dict[str, object]:
        """Deletes one mail."""
        arguments.query()
        with self.store.lock:
            return {"deleted": self.store.delete_mails([self._get(mail_id)])}

    def _ids(self) -> frozenset[str] | None:
        if not request.get_data():
            return None
        ids = arguments.body("ids").get("ids")
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise Problem(400, "`ids`: found no list of texts", 'send {"ids": ["..."]}, or no body to go by the arguments alone')
        return frozenset(ids)

    def _matcher(self, given: dict[str, str]) -> Callable[[Mail], bool]:
        """Makes the filter of the arguments; the account is narrowed to by whoever goes through the outbox."""
        to, action, text = fold(given.get("to", "")), given.get("action"), given.get("text", "").lower()
        since, until = _time(given, "since"), _time(given, "until")
        if " " in to:
            raise Problem(400, f"`to`: found {to[:100]!a}", "an address has no space; write a + of it as %2B")
        if action is not None and action not in OPERATIONS:
            near = difflib.get_close_matches(action, OPERATIONS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(OPERATIONS)}"
            raise Problem(400, f"`action`: found {action[:60]!a}", hint)
        url = self._base_url()

        def matches(one: Mail) -> bool:
            return (
                (not to or fold(one.to) == to)
                and action in (None, one.action)
                and (since is None or one.created >= since)
                and (until is None or one.created <= until)
                and (not text or text in f"{one.to}\n{message.subject(one)}\n{message.text_body(one, url)}".lower())
            )

        return matches

    def _get(self, mail_id: str) -> Mail:
        with self.store.lock:
            found = self.store.outbox.get(mail_id)
        if found is None:
            raise Problem(404, f"no message {mail_id}", "it may have been deleted, evicted or reset; see GET /_alimock/outbox")
        return found

    def _base_url(self) -> str:
        return base_url(self.host_policy)

    def _summary(self, one: Mail) -> dict[str, object]:
        with self.store.lock:
            state = self.store.token_state(one)
        return {
            "id": one.id,
            "sequence": one.sequence,
            "to": one.to,
            "subject": message.subject(one),
            "lang": one.lang,
            "action": one.action,
            "access_key_id": one.access_key_id,
            "request_id": one.request_id,
            "token": one.token,
            "token_state": state.value,
            "link": message.link(one, self._base_url()),
            "created": format_time(one.created),
            "received": format_real_time(one.received),
        }


def _time(given: dict[str, str], name: str) -> int | None:
    text = given.get(name)
    try:
        return parse_time(text) if text is not None else None
    except ValueError:
        raise Problem(400, f"`{name}`: found {str(text)[:60]!a}", "give a time in UTC+8, such as 2019-02-19 16:38:07") from None

"""The text of mails."""

from __future__ import annotations

import pytest
from alimock.mail import message
from conftest import make_api, scenario

URL = "http://localhost:2546"


@pytest.mark.parametrize(
    ("days", "lang", "validity"),
    [
        ("1", "en", "The link is valid for 1 day."),
        ("2", "en", "The link is valid for 2 days."),
        ("null", "en", "The link does not expire."),
        ("1", "zh", "链接 1 天内有效。"),
        ("2", "zh", "链接 2 天内有效。"),
        ("null", "zh", "链接长期有效。"),
    ],
)
def test_mail_states_how_long_its_link_is_valid(days: str, lang: str, validity: str) -> None:
    api = make_api(scenario(f"limits: {{link_valid_days: {days}}}"))
    api.lists("SubmitEmailVerification", "jo@example.com", Lang=lang)
    (mail,) = api.store.outbox.entries()
    assert validity in message.text_body(mail, URL).splitlines()
    assert validity in message.html_body(mail, URL)

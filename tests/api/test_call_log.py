"""The call log's entries: how much of a call they keep."""

from __future__ import annotations

from conftest import Api


def test_the_outcomes_of_the_first_100_addresses_are_kept(empty: Api) -> None:
    emails = [f"user{number}@example.com" for number in range(101)]
    empty.lists("SubmitEmailVerification", ",".join(emails))
    (entry,) = empty.store.calls.entries()
    assert [outcome.email for outcome in entry.outcomes] == emails[:100]
    assert len(entry.messages) == 101


def test_the_first_200_characters_of_names_are_kept(empty: Api) -> None:
    empty.key, empty.version = "k" * 201, "v" * 201
    parameters = {"SignatureMethod": "m" * 201, "Signature": "x", "p" * 201: ""}
    empty.call("a" * 201, headers={"user-agent": "u" * 201}, **parameters)
    (entry,) = empty.store.calls.entries()
    kept = (entry.action, entry.version, entry.access_key_id, entry.user_agent, entry.signature)
    assert kept == ("a" * 200, "v" * 200, "k" * 200, "u" * 200, "m" * 200)
    assert "p" * 200 in entry.parameters

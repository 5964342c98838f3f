"""Texts of scenarios are shown without the secrets of access keys."""

from __future__ import annotations

import pytest
from alimock.scenario import loader
from alimock.scenario.masking import without_secrets
from alimock.scenario.model import AccessKey


def text(keys: str) -> str:
    return f"alimock: 1\naccounts:\n  default:\n    access_keys:{keys}\n# The end.\n"


@pytest.mark.parametrize(
    ("keys", "masked"),
    [
        ("\n    - id: k\n      secret: hidden # A comment.\n      status: active", "\n    - id: k\n      # secret: *** # ***\n      status: active"),
        ("\n    - secret: hidden\n      id: k", "\n    - # secret: ***\n      id: k"),
        ("\n    - id: k\n      secret: hidden\n      security_token: hidden", "\n    - id: k\n      # secret: ***\n      # security_token: ***"),
        ("\n    - id: k\n      'secret': \"hid\\\n        den\"", "\n    - id: k\n      # secret: ***\n"),
        ("\n    - id: k\n      secret: |-\n        hidden\n      status: active", "\n    - id: k\n      # secret: ***\n\n      status: active"),
        ("\n    - id: k\n      secret:\n        hidden", "\n    - id: k\n      # secret: ***\n"),
        (" [{id: k, secret: hidden}]", " [{id: k}]"),
        (" [{id: k, secret: hidden}] # Was old.\n# Kept.", " [{id: k}] # ***\n# Kept."),
        (" [{id: k, secret: hidden # Was old.\n }]", " [{id: k # ***\n }]"),
        (" [{id: k, # Was old.\n secret: hidden, status: 'active'}]", " [{id: k\n, status: 'active'}]"),
        ("\n    - id: k\n      # secret: old\n      secret: hidden", "\n    - id: k\n      # ***\n      # secret: ***"),
        (" [{id: k, secret: hidden}]\n    # - {id: l, 'security_token' : old}", " [{id: k}]\n    # ***"),
        (" [{secret: hidden, id: k}]", " [{id: k}]"),
        (" [{secret: hidden, security_token: hidden, id: k}]", " [{id: k}]"),
        (" [{secret: hidden, id: k, security_token: hidden}]", " [{id: k}]"),
        (" [{id: k, secret: hidden, security_token: hidden, status: active}]", " [{id: k, status: active}]"),
        (" [{secret: hidden,\n      id: k}]", " [{\nid: k}]"),
        (' [{"id":"k","secret":"hidden"}]', ' [{"id":"k"}]'),
        (' [{"id":"k","\\u0073ecret":"hidden"}]', ' [{"id":"k"}]'),
        (" [{? secret : hidden, id: k}]", " [{? id: k}]"),
        (" [{id: \u4f60\U0001f600, secret: hidden}]", " [{id: \u4f60\U0001f600}]"),
    ],
)  # fmt: skip
def test_secret_is_left_out_and_the_text_loads_with_the_known_one(keys: str, masked: str) -> None:
    shown = without_secrets(text(keys))
    assert shown == text(masked)
    assert shown.count("\n") == text(keys).count("\n")
    known = AccessKey("k", "hidden", "default", "x")
    loaded = loader.load_text(shown.encode(), file="shown.yaml", known_keys={"k": known, "\u4f60\U0001f600": known})
    assert [key.secret for key in loaded.access_keys.values()] == ["hidden"]


@pytest.mark.parametrize(
    "kept",
    [
        "alimock: 1\nstubs: {Login: {secret: shown, security_token: shown}}\n",
        "alimock: 1 # No secret here.\ndescription: '# secret: shown'\nname: |\n  # secret: shown\n",
        "alimock: 1\r\ndescription: 'secret: shown'\r\n",
    ],
)
def test_text_without_secrets_of_keys_stays_as_it_is(kept: str) -> None:
    assert without_secrets(kept) == kept


def test_commented_out_secret_is_masked_in_a_text_without_keys() -> None:
    text = "# [{id: k, secret: old}]\r\nalimock: 1 # security_token: old\r\n# The end.\r\n"
    assert without_secrets(text) == "# ***\r\nalimock: 1 # ***\r\n# The end.\r\n"


@pytest.mark.parametrize("broken", ["a: [", "accounts: {default: {access_keys: [{id: k, secret: hidden"])
def test_text_that_is_no_yaml_is_not_shown(broken: str) -> None:
    assert without_secrets(broken) is None

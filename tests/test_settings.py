"""The settings: their sources, and errors for invalid values."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from alimock.scenario.model import Authentication
from alimock.settings import LIMITS, SETTINGS, ServerLimits, SettingError, Settings, resolve
from alimock.state.limits import StateLimits


def test_defaults_apply_without_options_and_variables() -> None:
    assert resolve({}, {}) == Settings()


def test_option_wins_over_variable_and_empty_variable_is_ignored() -> None:
    environ = {
        "ALIMOCK_PORT": "1",
        "ALIMOCK_HOST": "::1",
        "ALIMOCK_PROFILE": "",
        "ALIMOCK_AUTH": "strict",
        "ALIMOCK_LOG_LEVEL": "debug",
    }
    settings = resolve({"port": "0", "public_url": "https://x.example.com/"}, environ)
    assert settings == Settings(
        port=0, host="::1", auth=Authentication.STRICT, public_url="https://x.example.com", log_level="debug"
    )


def test_defaults_of_the_table_are_those_of_the_settings() -> None:
    assert resolve({setting.name: setting.default for setting in SETTINGS if setting.name != "scenario"}, {}) == Settings()


@pytest.mark.parametrize(
    ("options", "environ", "message"),
    [
        ({"port": "http"}, {}, "--port: found `http`, expected a port from 0 to 65535"),
        ({"port": "65536"}, {}, "--port: found `65536`, expected a port from 0 to 65535"),
        ({}, {"ALIMOCK_PORT": "-1"}, "ALIMOCK_PORT: found `-1`, expected a port from 0 to 65535"),
        ({"host": "http://x"}, {}, "--host: found `http://x`, expected a host name or IP address"),
        ({"host": ""}, {}, "--host: found ``, expected a host name or IP address"),
        ({}, {"ALIMOCK_AUTH": "off"}, "ALIMOCK_AUTH: found `off`, expected one of known-keys, strict, none"),
        ({"profile": "new"}, {}, "--profile: found `new`, expected one of current, docs-2021, docs-2018"),
        (
            {"public_url": "x.example.com"},
            {},
            "--public-url: found `x.example.com`, expected a URL like http://mail-check.example.com:2546",
        ),
        (
            {"public_url": "http://[x"},
            {},
            "--public-url: found `http://[x`, expected a URL like http://mail-check.example.com:2546",
        ),
        (
            {"public_url": "http://x:99999"},
            {},
            "--public-url: found `http://x:99999`, expected a URL like http://mail-check.example.com:2546",
        ),
        ({"log_level": "loud"}, {}, "--log-level: found `loud`, expected one of debug, info, warning, error"),
    ],
)
def test_invalid_value_is_rejected_with_its_source_and_what_was_expected(
    options: dict[str, str | None], environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingError) as caught:
        resolve(options, environ)
    assert str(caught.value) == message


def test_user_without_a_home_must_set_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert Settings(tls_directory="here").tls_folder == Path("here")
    with pytest.raises(SettingError, match="the current user has no home folder; set --tls-directory"):
        _ = Settings().tls_folder


def test_every_limit_can_be_set() -> None:
    fields = (*dataclasses.fields(ServerLimits), *dataclasses.fields(StateLimits))
    assert list(LIMITS) == [*(field.name for field in fields), "max_relay_mails", "max_exchange_bytes"]
    for number, (name, limit) in enumerate(LIMITS.items(), 1_024):
        settings = resolve({"limits": f"{name}={number}"}, {})
        found = {**vars(settings), **vars(settings.server_limits), **vars(settings.state_limits)}
        assert found[name] == number != limit.default
        assert sum(one == number for one in found.values()) == 1


def test_limits_are_merged_name_by_name_and_the_last_one_wins() -> None:
    environ = {"ALIMOCK_LIMITS": "max_connections=16, idle_seconds=5, idle_seconds=6"}
    settings = resolve({"limits": "max_connections=32,max_connections=64"}, environ)
    assert settings.server_limits == ServerLimits(max_connections=64, idle_seconds=6)


def test_limit_names_may_have_hyphens() -> None:
    assert resolve({"limits": "max-connections=32"}, {}).server_limits.max_connections == 32


def test_an_unset_limit_keeps_its_default() -> None:
    assert resolve({"limits": None}, {"ALIMOCK_LIMITS": ""}) == Settings()


NAMES = ", ".join(LIMITS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_body_byte=5000", f"unknown limit `max_body_byte`; did you mean max_body_bytes?\nLimits: {NAMES}"),
        ("max-connection=8", f"unknown limit `max-connection`; did you mean max_connections?\nLimits: {NAMES}"),
        ("x=8", f"unknown limit `x`\nLimits: {NAMES}"),
        ("max_connections", "found `max_connections`, expected NAME=VALUE, for example idle_seconds=60"),
        ("max_connections=8,", "found ``, expected NAME=VALUE, for example idle_seconds=60"),
        ("", "found ``, expected NAME=VALUE, for example idle_seconds=60"),
        ("max_body_bytes=16MB", "max_body_bytes: found `16MB`, expected a whole number from 1024 to 999999999"),
        ("max_body_bytes=1023", "max_body_bytes: found `1023`, expected a whole number from 1024 to 999999999"),
        ("idle_seconds=0", "idle_seconds: found `0`, expected a whole number from 1 to 2000000"),
        ("idle_seconds=2000001", "idle_seconds: found `2000001`, expected a whole number from 1 to 2000000"),
        ("max_connections=0", "max_connections: found `0`, expected a whole number from 1 to 999999999"),
        ("max_entries=1000000000", "max_entries: found `1000000000`, expected a whole number from 1 to 999999999"),
        ("max_accounts=\uff11", "max_accounts: found `\uff11`, expected a whole number from 1 to 999999999"),
        ("max_accounts=", "max_accounts: found ``, expected a whole number from 1 to 999999999"),
    ],
)
def test_invalid_limit_is_rejected_with_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        resolve({"limits": text}, {})
    assert str(caught.value) == f"--limit: {message}"
    if text:
        with pytest.raises(SettingError) as caught:
            resolve({}, {"ALIMOCK_LIMITS": text})
        assert str(caught.value) == f"ALIMOCK_LIMITS: {message}"


def test_scenario_has_one_source() -> None:
    with pytest.raises(SettingError, match="expected one of them"):
        resolve({"scenario": "default"}, {"ALIMOCK_SCENARIO_YAML": "alimock: 1"})

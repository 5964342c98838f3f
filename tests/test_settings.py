"""The settings: where they come from, and how a wrong one is refused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from alimock.scenario.model import Authentication
from alimock.server.limits import ServerLimits
from alimock.settings import SETTINGS, SettingError, Settings, resolve
from alimock.state.limits import StateLimits


def test_without_options_and_variables_the_defaults_hold() -> None:
    assert resolve({}, {}) == Settings()


def test_an_option_beats_a_variable_and_an_empty_variable_is_none() -> None:
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


def test_the_default_of_the_table_is_the_default_of_the_settings() -> None:
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
        ({"max_body_bytes": "16MB"}, {}, "--max-body-bytes: found `16MB`, expected a number of bytes from 1024 to 999999999"),
        ({}, {"ALIMOCK_IDLE_SECONDS": "0"}, "ALIMOCK_IDLE_SECONDS: found `0`, expected a number of seconds from 1 to 2000000"),
        ({"max_threads": "7"}, {}, "--max-threads: found `7`, expected a number of threads from 8 to 999999999"),
        ({"max_entries": "1000000000"}, {}, "--max-entries: found `1000000000`, expected a number of entries from 1 to 999999999"),
        ({"max_accounts": "\uff11"}, {}, "--max-accounts: found `\uff11`, expected a number of accounts from 1 to 999999999"),
        ({"log_level": "loud"}, {}, "--log-level: found `loud`, expected one of debug, info, warning, error"),
    ],
)
def test_a_wrong_value_is_told_with_its_origin_and_what_is_expected(
    options: dict[str, str | None], environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingError) as caught:
        resolve(options, environ)
    assert str(caught.value) == message


def test_a_user_without_a_home_is_told_to_name_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert Settings(tls_directory="here").tls_folder == Path("here")
    with pytest.raises(SettingError, match="found no home of this user, expected --tls-directory"):
        _ = Settings().tls_folder


def test_every_limit_is_a_setting() -> None:
    flags = {setting.name: setting.flag for setting in SETTINGS}
    limits = (*fields(ServerLimits), *fields(StateLimits))
    for number, limit in enumerate(limits, 1_024):
        assert flags[limit.name] == f"--{limit.name.replace('_', '-')}"
        settings = resolve({limit.name: str(number)}, {})
        found = settings.state_limits if hasattr(settings.state_limits, limit.name) else settings.server_limits
        assert getattr(found, limit.name) == number


def test_a_scenario_comes_from_one_place_only() -> None:
    with pytest.raises(SettingError, match="expected one of them"):
        resolve({"scenario": "default"}, {"ALIMOCK_SCENARIO_YAML": "alimock: 1"})

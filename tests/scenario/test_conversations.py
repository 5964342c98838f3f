"""The built-in scenarios: each answers like its golden conversation, and together they show every feature of scenarios."""

from __future__ import annotations

import pytest
from alimock.scenario import loader, sources
from alimock.scenario.address_rules import AddressOutcome
from alimock.scenario.model import Body, Reset
from conversation import FOLDER, played, recorded

NAMES = sources.built_in_names()
LOADED = [loader.load(name) for name in NAMES]
FAULTS = [fault for loaded in LOADED for fault in loaded.faults]


@pytest.mark.parametrize("name", NAMES)
def test_built_in_scenario_answers_like_its_golden_conversation(name: str) -> None:
    assert played(name) == recorded(name), f"if intended, run: PYTHONPATH=tests python tests/scenario/conversation.py {name}"


def test_every_conversation_belongs_to_a_built_in_scenario() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == NAMES


def test_built_in_scenarios_show_every_outcome() -> None:
    assert {rule.outcome for loaded in LOADED for rule in loaded.addresses.exact.values()} == set(AddressOutcome)


@pytest.mark.parametrize("key", ["nth", "every", "after", "times", "error", "retry_after", "email", "response_fault"])
def test_built_in_scenarios_show_every_key_of_a_fault(key: str) -> None:
    assert any(getattr(fault, key) for fault in FAULTS)


def test_built_in_scenarios_show_every_response_fault_once() -> None:
    deliveries = [fault.response_fault for fault in FAULTS if fault.response_fault is not None]
    assert [one.reset for one in deliveries if one.reset] == list(Reset)
    assert [one.body for one in deliveries if one.body] == list(Body)
    assert [bool(one.delay) for one in deliveries].count(True) == [bool(one.slow) for one in deliveries].count(True) == 1


@pytest.mark.parametrize("limit", ["sends_per_address_per_day", "addresses_per_day", "link_valid_days"])
def test_built_in_scenarios_show_every_limit_and_no_limit(limit: str) -> None:
    values = {getattr(loaded.limits, limit) for loaded in LOADED}
    assert None in values
    assert len(values) == 3

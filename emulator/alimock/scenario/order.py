"""The order in which the records of a scenario are listed; it is made once for all accounts that start from the scenario."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from alimock.scenario.address_rules import AddressRule, Age, Status


@dataclass(frozen=True, slots=True)
class Run:
    """Records of one status and one kind of age as they are listed: the newest first, those of one time in the order of the file.

    `addresses` are folded, `places` the places in the file. `times`, in epoch seconds, is empty where all have the same time, which
    the account says.
    """

    status: Status
    age: Age
    addresses: Sequence[str]
    places: Sequence[int]
    times: Sequence[int]


class Order:
    """The records of a scenario in runs, and where each stands."""

    def __init__(self, rules: Mapping[str, AddressRule]) -> None:
        entries = list(rules.items())
        kinds: dict[Status, dict[Age, list[int]]] = {status: {age: [] for age in Age} for status in Status}
        for place, (_, rule) in enumerate(entries):
            kinds[rule.status][rule.age].append(place)
        del kinds[Status.NONE]
        self._size = len(entries)
        self.runs = tuple(
            _run(status, age, places, entries) for status, ages in kinds.items() for age, places in ages.items() if places
        )

    def __len__(self) -> int:
        """Gives the number of all entries, with and without a record."""
        return self._size

    @cached_property
    def positions(self) -> Mapping[str, tuple[int, int]]:
        """The number of the run, and the position there, by folded address."""
        return {folded: (number, position) for number, run in enumerate(self.runs) for position, folded in enumerate(run.addresses)}


def _run(status: Status, age: Age, places: list[int], entries: Sequence[tuple[str, AddressRule]]) -> Run:
    times = array("q")
    if age is Age.WRITTEN:
        created = {place: entries[place][1].created or 0 for place in places}
        places.sort(key=lambda place: -created[place])
        times.extend(created[place] for place in places)
    return Run(status, age, [entries[place][0] for place in places], array("q", places), times)

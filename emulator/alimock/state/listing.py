"""The records of an account in the order in which they are listed, of which any page is found without going through the rest.

The newest come first. Of those created at one time first come those submitted, the last one first, then those of the scenario in
the order of its file, then those made by patterns.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice

from alimock.scenario.address_rules import Age, Status
from alimock.scenario.order import Order, Run
from alimock.state.record import VERIFIED, WAITING

# The time negated, whence the record is, its number there, and the folded address; in the order in which records are listed.
Entry = tuple[int, int, int, str]
SUBMITTED, SCENARIO, PATTERN = range(3)


class _ScenarioRun:
    """A run of the scenario without the records that the account has deleted or changed; `time` is that of all if they have one."""

    def __init__(self, run: Run, time: int) -> None:
        self.status = VERIFIED if run.status is Status.VERIFIED else WAITING
        self._run = run
        self._time = time
        # The positions of those that are not there any more.
        self._gaps: list[int] = []

    def __len__(self) -> int:
        return len(self._run.addresses) - len(self._gaps)

    def entry(self, index: int) -> Entry:
        # In front of the n-th gap stand as many records as its position without the n gaps before it.
        before = bisect_right(range(len(self._gaps)), index, key=lambda number: self._gaps[number] - number)
        return self.entry_at(index + before)

    def entry_at(self, position: int) -> Entry:
        run = self._run
        time = run.times[position] if run.times else self._time
        return -time, SCENARIO, run.places[position], run.addresses[position]

    def take_out(self, position: int) -> bool:
        """Leaves a record out and says whether it was there."""
        index = bisect_left(self._gaps, position)
        if index < len(self._gaps) and self._gaps[index] == position:
            return False
        self._gaps.insert(index, position)
        return True


class _OwnRun:
    """Records of the account's own, or of the scenario's as the account has changed them."""

    def __init__(self, status: int) -> None:
        self.status = status
        # The last one first, since new records are listed first and a list grows fastest at its end.
        self._reversed: list[Entry] = []

    def __len__(self) -> int:
        return len(self._reversed)

    def entry(self, index: int) -> Entry:
        return _negated(self._reversed[-1 - index])

    def put(self, entry: Entry) -> None:
        insort(self._reversed, _negated(entry))

    def remains(self) -> list[Entry]:
        return self._reversed

    def take_out(self, entry: Entry) -> None:
        del self._reversed[bisect_left(self._reversed, _negated(entry))]


def _negated(entry: Entry) -> Entry:
    return -entry[0], -entry[1], -entry[2], entry[3]


@dataclass(frozen=True, slots=True)
class _Part:
    """The records of a run from a first to before a last one."""

    run: _ScenarioRun | _OwnRun
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first

    def entry(self, index: int) -> Entry:
        return self.run.entry(self.first + index)


@dataclass(frozen=True, slots=True)
class Selection:
    """The records that a filter has left."""

    parts: Sequence[_Part]

    def __len__(self) -> int:
        """Gives the number of the records."""
        return sum(map(len, self.parts))

    def page(self, start: int, size: int) -> list[str]:
        """Gives the folded addresses of so many records from a number on."""
        if start >= len(self):
            return []
        entries = (map(part.entry, range(len(part))) for part in self._behind(start))
        return [entry[-1] for entry in islice(merge(*entries), size)]

    def _behind(self, count: int) -> list[_Part]:
        """Gives what is left of each run behind the first `count` records of all.

        Of n runs whose heads of count / n records are compared, the one that ends first lies wholly among those records.
        """
        parts = list(self.parts)
        while count:
            step = max(count // len(parts), 1)
            ends = ((part.entry(step - 1), number) for number, part in enumerate(parts) if len(part) >= step)
            _, number = min(ends)
            parts[number] = replace(parts[number], first=parts[number].first + step)
            count -= step
        return parts


class Listing:
    """All records of one account in order; `created` gives the time of the scenario's records of an age that is not written."""

    def __init__(self, order: Order, created: Callable[[Age], int]) -> None:
        self._order = order
        self._scenario = [_ScenarioRun(run, created(run.age)) for run in order.runs]
        self._own = {status: _OwnRun(status) for status in (WAITING, VERIFIED)}
        # Where the account's own stand, by folded address.
        self._entries: dict[str, tuple[_OwnRun, Entry]] = {}
        self._number = 0
        self._entries_in_all = len(order)

    def put(self, folded: str, status: int, created: int, *, submitted: bool) -> None:
        """Takes a record in as it is now; one that is there already keeps its place among those of the same time."""
        before = self.take_out(folded)
        if before is None:
            self._number += 1
            before = (0, SUBMITTED, -self._number, folded) if submitted else (0, PATTERN, self._number, folded)
        self._add(status, (-created, before[1], before[2], folded))

    def put_entry(self, folded: str, status: int, created: int, *, is_new: bool) -> bool:
        """Takes in the record of an entry that was put, and says whether that could be done.

        A new entry comes behind all others of the scenario. One that never had a record has a place there that is not known here.
        """
        before = self.take_out(folded)
        known = self._order.positions.get(folded)
        if is_new:
            place = self._entries_in_all
            self._entries_in_all += 1
        elif before is not None and before[1] == SCENARIO:
            place = before[2]
        elif known is not None:
            place = self._scenario[known[0]].entry_at(known[1])[2]
        else:
            return False
        self._add(status, (-created, SCENARIO, place, folded))
        return True

    def _add(self, status: int, entry: Entry) -> None:
        self._own[status].put(entry)
        self._entries[entry[3]] = self._own[status], entry

    def take_out(self, folded: str) -> Entry | None:
        """Leaves a record out and gives where it stood, None for one that was not there."""
        own = self._entries.pop(folded, None)
        if own is not None:
            run, entry = own
            run.take_out(entry)
            return entry
        number, position = self._order.positions.get(folded, (None, 0))
        if number is None or not self._scenario[number].take_out(position):
            return None
        return self._scenario[number].entry_at(position)

    def remains(self) -> list[object]:
        """Gives the objects that there may be a great many of."""
        return [*self._entries.values(), *(entry for run in self._own.values() for entry in run.remains())]

    def select(self, status: int | None = None, oldest: int | None = None, newest: int | None = None) -> Selection:
        """Gives the records of a status that were created between two times, which count themselves; None is any."""
        parts: list[_Part] = []
        runs: list[_ScenarioRun | _OwnRun] = [*self._scenario, *self._own.values()]
        for run in runs:
            if len(run) and status in (None, run.status):
                first = 0 if newest is None else _newer(run, newest)
                last = len(run) if oldest is None else _newer(run, oldest - 1)
                parts.append(_Part(run, first, max(first, last)))
        return Selection(parts)


def _newer(run: _ScenarioRun | _OwnRun, time: int) -> int:
    """Counts the records that were created after a time."""
    return bisect_left(range(len(run)), (-time, -1, 0, ""), key=run.entry)

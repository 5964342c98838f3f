"""The order of List: the addresses that have a record, sorted once and kept sorted."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping

# The numbers of a key, as one integer: that sorts faster than a tuple, and the garbage collector need not scan it.
_RANK_SHIFT, _TIME_SHIFT = 64, 68
_MIDDLE = 1 << 63


def sort_key(time: int, rank: int, number: int) -> int:
    """Return the key of a record that was created at `time`; of one second the higher rank comes first, then the higher number."""
    return (time << _TIME_SHIFT) + (rank << _RANK_SHIFT) + _MIDDLE + number


class Listing:
    """The folded addresses of one account that have a record, in the order of List, and once more by status.

    The lists hold the oldest record first, because new records are listed first and a list grows cheaply at its end only. `key`
    returns the sort key of an address, the same until it is removed; the highest is listed first.
    """

    def __init__(self, statuses: Mapping[str, int], key: Callable[[str], int]) -> None:
        self._key = key
        self._all = sorted(statuses, key=key)
        self._by_status: dict[int, list[str]] = {}
        for address in self._all:
            self._by_status.setdefault(statuses[address], []).append(address)

    def add(self, address: str, status: int) -> None:
        """Insert an address that is not listed."""
        for addresses in (self._all, self._by_status.setdefault(status, [])):
            insort(addresses, address, key=self._key)

    def remove(self, address: str, status: int) -> None:
        """Remove a listed address, while `key` and status are still those it was added with."""
        key = self._key(address)
        for addresses in (self._all, self._by_status[status]):
            del addresses[bisect_left(addresses, key, key=self._key)]

    def page(
        self, start: int, size: int, status: int | None = None, oldest: int | None = None, newest: int | None = None
    ) -> tuple[int, list[str]]:
        """Return how many addresses match the filters, and `size` of them from the position `start` on.

        The records were created from `oldest` to `newest`, both inclusive; a filter of None matches everything.
        """
        addresses = self._all if status is None else self._by_status.get(status, [])
        first = 0 if oldest is None else self._first_since(addresses, oldest)
        end = len(addresses) if newest is None else self._first_since(addresses, newest + 1)
        last = max(first, end - start)
        return max(0, end - first), addresses[max(first, last - size) : last][::-1]

    def _first_since(self, addresses: list[str], time: int) -> int:
        return bisect_left(addresses, time << _TIME_SHIFT, key=self._key)

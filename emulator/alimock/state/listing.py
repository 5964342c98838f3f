"""The order of List: the addresses that have a record, sorted once and kept sorted."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping

# The time a record was created, then what orders the records of one second; the highest key is listed first.
SortKey = tuple[int, ...]


class Listing:
    """The folded addresses of one account that have a record, in the order of List, and once more by status.

    The lists hold the oldest record first, because new records are listed first and a list grows cheaply at its end only. `key`
    must return the same for a listed address until it is removed.
    """

    def __init__(self, statuses: Mapping[str, int], key: Callable[[str], SortKey]) -> None:
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
        lowest_key: SortKey = (time,)
        return bisect_left(addresses, lowest_key, key=self._key)

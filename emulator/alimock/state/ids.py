"""The ids and tokens of an account: keyed hashes of a seed and the account's name, so that a run can be repeated."""

from __future__ import annotations

import secrets
from hashlib import blake2b

from alimock.spec.address import fold

_SEED_LENGTH = 32
TAG_LENGTH = 12
_SERIAL_LENGTH = 8
_HEX_DIGITS = frozenset("0123456789abcdef")
# The two highest bits of this digit of a UUID are 10.
_VARIANTS = dict(zip("0123456789ABCDEF", "89AB" * 4, strict=True))
_CHECK_LENGTH = 12
_TOKEN_LENGTH = _CHECK_LENGTH + _SERIAL_LENGTH + TAG_LENGTH


class IdGenerator:
    """A source of request ids, mail ids, verification numbers and tokens, which no other account of the store shares.

    Another `generation` changes ids and tokens, but no verification number and no UserId. A token has 32 lower-case hex digits as
    the published ones: a checksum (12), its serial in the account (8), the tag of the account (12). The account and the serial of a
    token are found without an index, and an invented token is recognized.
    """

    def __init__(self, seed: bytes, name: str, generation: int = 0) -> None:
        self.name = name
        self.generation = generation
        # The number of request ids so far.
        self.requests = 0
        # Copied for each hash, which is cheaper than to start from the key.
        self._keyed = blake2b(key=blake2b(name.encode(), key=seed[:64]).digest(), digest_size=32)
        self.tag = self._generated("tag")[:TAG_LENGTH]

    def _generated(self, text: str) -> str:
        return self._hash(f"{self.generation} {text}")

    def _hash(self, text: str) -> str:
        keyed = self._keyed.copy()
        keyed.update(text.encode())
        return keyed.hexdigest()

    def request_id(self) -> str:
        """Return the next request id, an upper-case UUID of version 5 as the service has sent since 2021."""
        self.requests += 1
        digits = self._generated(f"request {self.requests}").upper()
        return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:32]}"

    def mail_id(self, serial: int) -> str:
        """Return the id of the mail that carries the token with a serial."""
        return self._generated(f"mail {serial}")[:22]

    def email_verification_no(self, address: str) -> str:
        """Return the EmailVerificationNo of an address, 32 lower-case hex digits that do not depend on the order of calls."""
        return self._hash(f"number {fold(address)}")[:32]

    def user_id(self) -> str:
        """Return the account's UserId, 16 digits as the published ones, which depend on the account's name only."""
        return str(10**15 + int(blake2b(self.name.encode()).hexdigest()[:14], 16) % (9 * 10**15))

    def token(self, serial: int) -> str:
        """Return the token with a serial."""
        return f"{self._generated(f'token {serial}')[:_CHECK_LENGTH]}{serial:0{_SERIAL_LENGTH}x}{self.tag}"

    def serial_of(self, token: str) -> int | None:
        """Return the serial of a token of this account, or None."""
        digits = token[_CHECK_LENGTH:-TAG_LENGTH]
        if len(token) != _TOKEN_LENGTH or not set(digits) <= _HEX_DIGITS:
            return None
        serial = int(digits, 16)
        return serial if token == self.token(serial) else None


class IdGenerators:
    """The factory of the id generators of one store's accounts.

    With a `seed`, from here or from the scenario, ids and tokens repeat after every reset and in every run; without one they never
    do: they come from the random `key`, and every account that starts is another of the `generations`.
    """

    def __init__(self, seed: bytes | None) -> None:
        self.seed = seed
        self.key = secrets.token_bytes(_SEED_LENGTH)
        self.generations = 0

    def of(self, account: str, scenario_seed: str | None) -> IdGenerator:
        """Return the ids of an account that starts now."""
        self.generations += 1
        return self.restored(account, scenario_seed, self.generations)

    def preview(self, account: str, scenario_seed: str | None) -> IdGenerator:
        """Return the ids of an account that is only shown. What they have in common with those of its start does not change."""
        return self.restored(account, scenario_seed, self.generations)

    def restored(self, account: str, scenario_seed: str | None, generation: int) -> IdGenerator:
        """Return the ids of an account that started as this one of the generations."""
        seed = scenario_seed.encode() if scenario_seed is not None else self.seed
        return IdGenerator(seed, account) if seed is not None else IdGenerator(self.key, account, generation)

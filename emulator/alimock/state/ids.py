"""Where an account's ids and tokens come from: keyed hashes of a seed and the account's name, so that a run can be repeated."""

from __future__ import annotations

from hashlib import blake2b
from itertools import count

from alimock.spec.address import fold

TAG_LENGTH = 12
_SERIAL_LENGTH = 8
_HEX_DIGITS = frozenset("0123456789abcdef")
_CHECK_LENGTH = 12
TOKEN_LENGTH = _CHECK_LENGTH + _SERIAL_LENGTH + TAG_LENGTH


class IdGenerator:
    """Gives request ids, mail ids, verification numbers and tokens; no two accounts of a store share one.

    With another `generation` the ids and tokens are others, while numbers and UserId stay. A token is 32 lower-case hex digits, the
    form of the published ones: 12 that check it, 8 with its serial in the account, 12 with the account's tag. So it is found
    without an index of tokens, and a made-up one is found out.
    """

    def __init__(self, seed: bytes, name: str, generation: int = 0) -> None:
        self._name = name
        self._key = blake2b(name.encode(), key=seed[:64]).digest()
        self._generation = generation
        self._counter = count(1)
        self.tag = self._drawn("tag")[:TAG_LENGTH]

    def _drawn(self, text: str) -> str:
        return self._hash(f"{self._generation} {text}")

    def _hash(self, text: str) -> str:
        return blake2b(text.encode(), key=self._key, digest_size=32).hexdigest()

    def request_id(self) -> str:
        """Gives the next request id, an upper-case UUID of version 5, as the service has sent since 2021."""
        digits = self._drawn(f"request {next(self._counter)}").upper()
        variant = "89AB"[int(digits[16], 16) % 4]
        return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"

    def mail_id(self, serial: int) -> str:
        """Gives the id of the mail that carries the token of this serial."""
        return self._drawn(f"mail {serial}")[:22]

    def email_verification_no(self, address: str) -> str:
        """Gives the EmailVerificationNo of an address, 32 lower-case hex digits that do not depend on who looked first."""
        return self._hash(f"number {fold(address)}")[:32]

    def user_id(self) -> str:
        """Gives the account's UserId, 16 digits as the published ones; it follows from the account's name alone."""
        return str(10**15 + int(blake2b(self._name.encode()).hexdigest()[:14], 16) % (9 * 10**15))

    def token(self, serial: int) -> str:
        """Gives the token of a serial."""
        return f"{self._drawn(f'token {serial}')[:_CHECK_LENGTH]}{serial:0{_SERIAL_LENGTH}x}{self.tag}"

    def serial_of(self, token: str) -> int | None:
        """Gives the serial of a token that this source has made or will make, else None."""
        digits = token[_CHECK_LENGTH:-TAG_LENGTH]
        if len(token) != TOKEN_LENGTH or not set(digits) <= _HEX_DIGITS:
            return None
        serial = int(digits, 16)
        return serial if token == self.token(serial) else None

"""Where an account's ids and tokens come from: keyed hashes of a seed and the account's name, so that a run can be repeated."""

from __future__ import annotations

from hashlib import blake2b
from itertools import count

TAG_LENGTH = 12
_SERIAL_LENGTH = 8
_CHECK_LENGTH = 12
TOKEN_LENGTH = _CHECK_LENGTH + _SERIAL_LENGTH + TAG_LENGTH


class Source:
    """Gives request ids, mail ids, verification numbers and tokens; no two accounts of a world share one.

    A token is 32 lower-case hex digits, the form of the published ones: 12 that check it, 8 with its serial in the account, 12 with
    the account's tag. So it is found without an index of tokens, and a made-up one is found out.
    """

    def __init__(self, seed: bytes, name: str) -> None:
        self._key = blake2b(name.encode("utf-8", "surrogatepass"), key=seed[:64]).digest()
        self._counter = count(1)
        self.tag = self._hash("tag")[:TAG_LENGTH]

    def _hash(self, text: str) -> str:
        return blake2b(text.encode(), key=self._key, digest_size=32).hexdigest()

    def request_id(self) -> str:
        """Gives the next request id, an upper-case UUID of version 5, as the service has sent since 2021."""
        digits = self._hash(f"request {next(self._counter)}").upper()
        variant = "89AB"[int(digits[16], 16) % 4]
        return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"

    def mail_id(self, serial: int) -> str:
        """Gives the id of the mail that carries the token of this serial."""
        return self._hash(f"mail {serial}")[:22]

    def email_verification_no(self, address: str) -> str:
        """Gives the EmailVerificationNo of an address, 32 lower-case hex digits that do not depend on who looked first."""
        return self._hash(f"number {address.casefold()}")[:32]

    def user_id(self) -> str:
        """Gives the account's UserId, 16 digits as the published ones."""
        return str(10**15 + int(self._hash("user")[:12], 16) % (9 * 10**15))

    def token(self, serial: int) -> str:
        """Gives the token of a serial."""
        return f"{self._hash(f'token {serial}')[:_CHECK_LENGTH]}{serial:0{_SERIAL_LENGTH}x}{self.tag}"

    def serial_of(self, token: str) -> int | None:
        """Gives the serial of a token that this source has made or will make, else None."""
        try:
            serial = int(token[_CHECK_LENGTH:-TAG_LENGTH], 16)
        except ValueError:
            return None
        return serial if token == self.token(serial) else None

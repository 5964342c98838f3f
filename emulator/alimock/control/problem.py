"""A refusal by the control API."""

from __future__ import annotations


class Problem(Exception):
    """Says what is wrong and what to do; `details` are further keys of the JSON answer."""

    def __init__(self, status: int, message: str, hint: str, **details: object) -> None:
        self.status = status
        self.content = {"message": message, "hint": hint, **details}
        super().__init__(message)

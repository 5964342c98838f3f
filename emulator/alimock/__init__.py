"""alimock is an offline emulator of Alibaba Cloud's e-mail verification API (product Domain)."""

from __future__ import annotations

__version__ = "0.1.0"

"""Certificates for the TLS listener: an authority of the emulator's own, kept in a folder so that it survives restarts.

Needs the extra `tls` (trustme, which brings cryptography), and so is imported only by who serves TLS.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import trustme

from alimock.security import ENDPOINTS

_AUTHORITY, _AUTHORITY_KEY = "ca.pem", "ca-key.pem"
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificate:
    """A certificate chain and its key, as files."""

    chain: Path
    key: Path


def authority(folder: Path) -> Path:
    """Gives the file of the authority's certificate, making the authority at first; raises `OSError` and `ValueError`."""
    _load(folder)
    return folder / _AUTHORITY


def issue(folder: Path, names: Iterable[str]) -> Certificate:
    """Issues a certificate for the service's endpoints, this machine's names and `names`; raises `OSError` and `ValueError`."""
    leaf = _load(folder).issue_cert(*dict.fromkeys((*sorted(ENDPOINTS), *_LOCAL_NAMES, *names)))
    made = Certificate(folder / "server.pem", folder / "server-key.pem")
    _write(made.chain, b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    _write(made.key, leaf.private_key_pem.bytes())
    return made


def _load(folder: Path) -> trustme.CA:
    certificate, key = folder / _AUTHORITY, folder / _AUTHORITY_KEY
    if certificate.exists() and key.exists():
        try:
            return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
        except ValueError:
            raise ValueError(f"{certificate} and {key} are no authority; delete them to get a new one") from None
    if certificate.exists() or key.exists():
        raise ValueError(f"of {certificate} and {key} only one is there; delete it to get a new authority")
    folder.mkdir(parents=True, exist_ok=True)
    made = trustme.CA(organization_name="alimock", organization_unit_name="offline emulator, for tests only")
    _write(key, made.private_key_pem.bytes())
    _write(certificate, made.cert_pem.bytes())
    return made


def _write(path: Path, content: bytes) -> None:
    """Writes a file that only its owner can read, in one step."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)

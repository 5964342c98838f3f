"""Certificates for the TLS listener, signed by alimock's own certificate authority, which is kept in a folder.

This module needs the extra `tls`, so import it only to serve TLS.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import trustme

from alimock.security import ENDPOINTS

_AUTHORITY, _AUTHORITY_KEY = "ca.pem", "ca-key.pem"
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def authority(folder: Path) -> Path:
    """Return the file of the authority's certificate, creating the authority if needed; raises `OSError` and `ValueError`."""
    _load(folder)
    return folder / _AUTHORITY


def issue(folder: Path, names: Iterable[str]) -> tuple[Path, Path]:
    """Issue a certificate for the service's endpoints, this machine and `names`, and return the files of its chain and its key.

    Raises `OSError` and `ValueError`.
    """
    leaf = _load(folder).issue_cert(*dict.fromkeys((*sorted(ENDPOINTS), *_LOCAL_NAMES, *names)))
    chain, key = folder / "server.pem", folder / "server-key.pem"
    _write(chain, b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    _write(key, leaf.private_key_pem.bytes())
    return chain, key


def _load(folder: Path) -> trustme.CA:
    certificate, key = folder / _AUTHORITY, folder / _AUTHORITY_KEY
    if certificate.exists() and key.exists():
        try:
            return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
        except ValueError:
            raise ValueError(f"{certificate} and {key} are not a certificate authority; delete both to create a new one") from None
    if certificate.exists() or key.exists():
        raise ValueError(f"only one of {certificate} and {key} exists; delete it to create a new authority")
    folder.mkdir(parents=True, exist_ok=True)
    created = trustme.CA(organization_name="alimock", organization_unit_name="offline emulator, for tests only")
    _write(key, created.private_key_pem.bytes())
    _write(certificate, created.cert_pem.bytes())
    return created


def _write(path: Path, content: bytes) -> None:
    """Write a file atomically, readable by its owner only."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)

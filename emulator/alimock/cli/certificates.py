"""Certificates for the TLS listener, signed by alimock's own certificate authority, which is kept in a folder.

This module needs the extra `tls`, so import it only to serve TLS.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trustme
from cryptography.exceptions import UnsupportedAlgorithm

from alimock.cli.replace_file import replace_file
from alimock.security import ENDPOINTS
from alimock.server.tls import read_pem, server_context, verify

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_AUTHORITY, _AUTHORITY_KEY, _LOCK = "ca.pem", "ca-key.pem", "lock"
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def authority(folder: Path) -> Path:
    """Return the file of the authority's certificate, creating the authority if needed; raises `OSError` and `ValueError`."""
    tls_context(folder, ())
    return folder / _AUTHORITY


def tls_context(folder: Path, names: Iterable[str]) -> ssl.SSLContext:
    """Return a TLS context with a new certificate for the service's endpoints, this machine and `names`.

    Creates the authority if needed. Raises `OSError`, and `ValueError` for an authority that clients could not use.
    """
    created = _load(folder)
    leaf = created.issue_cert(*dict.fromkeys((*sorted(ENDPOINTS), *_LOCAL_NAMES, *names)))
    # The folder may be the only writable one of a container, or not writable for `alimock ca`.
    with leaf.private_key_and_cert_chain_pem.tempfile(str(folder) if os.access(folder, os.W_OK) else None) as file:
        context = server_context(file, file)
    certificate, key = folder / _AUTHORITY, folder / _AUTHORITY_KEY
    try:
        verify(context, created.cert_pem.bytes().decode())
    except ssl.SSLCertVerificationError as error:
        raise ValueError(
            f"clients would reject the certificates that {certificate} and {key} sign: {error.verify_message}; "
            f"delete both to create a new authority, and let the clients trust the new {_AUTHORITY}"
        ) from None
    return context


def _load(folder: Path) -> trustme.CA:
    certificate, key = folder / _AUTHORITY, folder / _AUTHORITY_KEY
    if not (certificate.exists() and key.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        # Several emulators may start in a new folder at once; the key of one would not belong to the certificate of another.
        with _locked(folder / _LOCK):
            _create(certificate, key)
    content = read_pem(certificate), read_pem(key)
    try:
        found = trustme.CA.from_pem(*content)
    except ValueError:
        raise ValueError(f"{certificate} and {key} are not a certificate authority; delete both to create a new one") from None
    except (TypeError, UnsupportedAlgorithm):
        raise _unusable(key) from None
    try:
        found.issue_cert("localhost")
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise _unusable(key) from None
    return found


def _unusable(key: Path) -> ValueError:
    return ValueError(f"{key} is encrypted, or cannot sign certificates; expected an RSA or EC key, or delete it and {_AUTHORITY}")


def _create(certificate: Path, key: Path) -> None:
    """Create the authority unless another process has done so."""
    if certificate.exists() and key.exists():
        return
    for path in (certificate, key):
        if path.is_symlink() and not path.exists():
            raise ValueError(f"{path} is a link to a file that does not exist; delete it to create a new authority")
    if certificate.exists() or key.exists():
        raise ValueError(f"only one of {certificate} and {key} exists; delete it to create a new authority")
    created = trustme.CA(organization_name="alimock", organization_unit_name="offline emulator, for tests only")
    replace_file(key, created.private_key_pem.bytes(), 0o600)
    replace_file(certificate, created.cert_pem.bytes(), 0o600)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file; the system releases it when the process ends."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        if sys.platform == "win32":
            while True:
                # Gives up after ten seconds.
                with suppress(OSError):
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield

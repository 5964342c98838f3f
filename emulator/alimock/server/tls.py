"""The TLS context of a listener, and the check that clients could accept its certificates."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
# X509_V_ERR_INVALID_PURPOSE of OpenSSL: some clients accept a certificate that is not for servers.
_INVALID_PURPOSE = 26
# A handshake takes three flights.
_FLIGHTS = 10


def server_context(chain: str, key: str) -> ssl.SSLContext:
    """Return the context for the files of a certificate chain and its key, in PEM.

    Raises `OSError` for an unreadable file, and `ValueError` if the files do not belong together or a certificate is expired.
    """
    certificates = _CERTIFICATE.findall(read_pem(Path(chain)).decode("ascii", "replace"))
    if not certificates:
        raise ValueError(f"{chain} contains no certificate, expected a chain in PEM")
    read_pem(Path(key))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)

    def refuse_password() -> str:
        # OpenSSL would ask for it on the terminal.
        raise ValueError(f"{key} is encrypted, expected a key without a passphrase (openssl pkey -in {key} -out plain.pem)")

    try:
        context.load_cert_chain(chain, key, refuse_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"{key} is not the key of the first certificate in {chain}") from None
        raise ValueError(f"{chain} contains no valid certificate or {key} no valid key, expected both in PEM") from None
    try:
        verify(context, certificates[-1])
    except ssl.SSLCertVerificationError as error:
        if error.verify_code != _INVALID_PURPOSE:
            raise ValueError(f"the certificates in {chain} are not valid: {error.verify_message}") from None
    return context


def read_pem(path: Path) -> bytes:
    """Return the content of a file; raises `OSError`, and `ValueError` for a pipe, which could be read once and might block."""
    if path.is_fifo():
        raise ValueError(f"{path} is a named pipe, expected a regular file in PEM")
    return path.read_bytes()


def verify(context: ssl.SSLContext, authority: str) -> None:
    """Raise `ssl.SSLCertVerificationError` if clients that trust an authority (PEM text) reject the certificates of a context."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    # The authority need not be a root.
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cadata=authority)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [client.wrap_bio(to_client, to_server), context.wrap_bio(to_server, to_client, server_side=True)]
    for _ in range(_FLIGHTS):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue

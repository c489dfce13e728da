"""Certificates of an authority that nobody else trusts."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

import trustme

HOST = "127.0.0.1"


def trusted_identity() -> tuple[bytes, ssl.SSLContext]:
    """Return a server's key and certificates, as PEM, and a client's context that trusts them."""
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return authority.issue_cert(HOST).private_key_and_cert_chain_pem.bytes(), context


def server_context(identity: bytes) -> ssl.SSLContext:
    """Return the context of a server with this key and these certificates, as PEM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "identity.pem")
        file.write_bytes(identity)
        context.load_cert_chain(file)
    return context

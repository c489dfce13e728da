"""Certificates: one authority for the whole test run, and what a server may get wrong with them."""

from __future__ import annotations

import functools
import ssl
from dataclasses import dataclass, field

import trustme

from .steps import Step

ALERT = b"\x15\x03\x03\x00\x02\x02\x28"
"""A TLS record with the fatal alert handshake_failure: `accept=[Fin(after=ALERT)]`."""

PLAINTEXT = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
"""What a server that knows no TLS says to a ClientHello: `accept=[Fin(after=PLAINTEXT)]`."""


@dataclass(frozen=True, repr=False)
class Identity(Step):
    """How a server shows itself in the TLS handshake. In `accept`, it holds for one connection."""

    host: str = "127.0.0.1"
    trusted: bool = field(default=True, kw_only=True)
    asks_certificate: bool = field(default=False, kw_only=True)


TRUSTED = Identity()
WRONG_HOST = Identity("elsewhere.invalid")
WRONG_AUTHORITY = Identity(trusted=False)
CLIENT_CERTIFICATE = Identity(asks_certificate=True)


@functools.cache
def _authority(*, trusted: bool) -> trustme.CA:
    return trustme.CA(organization_name="trusted" if trusted else "unknown")


@functools.cache
def server_context(identity: Identity, protocol: str) -> ssl.SSLContext:
    """The context of a server that shows `identity` and speaks `protocol` (its ALPN name)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols([protocol])
    _authority(trusted=identity.trusted).issue_cert(identity.host).configure_cert(context)
    if identity.asks_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        _authority(trusted=True).configure_trust(context)
    return context


def authority_pem() -> str:
    """The authority's certificate: clients in another process have another one."""
    return _authority(trusted=True).cert_pem.bytes().decode("ascii")


def client_context(*, certificate: bool = False) -> ssl.SSLContext:
    """A context that trusts the lab's authority, new each time because httpcore writes into it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _authority(trusted=True).configure_trust(context)
    if certificate:
        _authority(trusted=True).issue_cert("client@lab.invalid").configure_cert(context)
    return context

"""Fetch the authority that a central system shows, known by its fingerprint beforehand.

The handshake checks nothing and nothing is said over it: what makes the certificate trustworthy is
that its SHA-256 is the one that came by another way. Everything after it is checked as ever.
Library: ssl of the standard library. Quality: simulated (real handshakes on loopback).
"""

from __future__ import annotations

import _ssl
import hashlib
import hmac
import socket
import ssl
import sys
from collections.abc import Iterator

from edge.errors import LinkRefused, Rung


def fetch_root(host: str, port: int, fingerprint: str, within_s: float) -> str:
    """Give the certificate of that *fingerprint* in PEM; raises `LinkRefused`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), within_s) as near,
            context.wrap_socket(near, server_hostname=host) as line,
        ):
            shown = list(_chain(line))
    except OSError as error:
        raise LinkRefused(
            f"the central system at {host}:{port} cannot be asked who it is ({error}):"
            " check that it runs, the network and the address"
        ) from error
    for one in shown:
        if hmac.compare_digest(hashlib.sha256(one).hexdigest(), fingerprint):
            return ssl.DER_cert_to_PEM_cert(one)
    raise LinkRefused(
        f"what answers at {host}:{port} is not vouched for by the authority in the line: somebody"
        " stands between, or the authority was renewed; have a new line made",
        rung=Rung.CERTIFICATE,
    )


def _chain(line: ssl.SSLSocket) -> Iterator[bytes]:
    """What the peer sent, in DER."""
    if sys.version_info >= (3, 13):
        yield from line.get_unverified_chain()
    else:  # the method is there, the public name is not yet
        found = line._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # noqa: SLF001  as said
        yield from (one.public_bytes(_ssl.ENCODING_DER) for one in found)

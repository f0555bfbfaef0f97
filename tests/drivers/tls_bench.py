"""A central system on TLS, for a link that runs against it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.certificates import Signed, signed_by
from tests.drivers.ocpp_bench import Server, served


@asynccontextmanager
async def secured(
    root: Signed,
    folder: Path,
    *,
    hosts: tuple[str, ...] = ("127.0.0.1",),
    ciphers: str | None = None,
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    wants_certificate: bool = False,
    between: tuple[Signed, ...] = (),
    **options: Any,
) -> AsyncIterator[Server]:
    """A central system on TLS whose certificate says *hosts*; it sends those *between* along."""
    signer = between[0] if between else root
    certificate, key = signed_by(signer, "central", hosts=hosts, **options).save(folder, "central")
    with certificate.open("a") as file:
        file.writelines(one.pem for one in between)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = newest
    if ciphers is not None:
        context.set_ciphers(ciphers)
    context.load_cert_chain(certificate, key)
    if wants_certificate:
        context.load_verify_locations(ca_file(root, folder))
        context.verify_mode = ssl.CERT_REQUIRED
    async with served(ssl=context) as server:
        server.url = server.url.replace("ws:", "wss:")
        yield server


def ca_file(root: Signed, folder: Path) -> str:
    """A file that trusts *root*."""
    return str(root.save(folder, "root")[0])

"""Signed firmware for the daemon: each proof in a child process, bounded in time and memory.

The child is `edge.drivers.x509`, which reads what strangers wrote in certificates; the image it
reads in pieces.

Quality: tested with the real child, real signers and hostile input; no field record yet.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from edge.core.work import Seal
from edge.drivers.child import next_line, started
from edge.errors import ConfigError, ImageUntrusted, VerifierFailed

WITHIN_S: Final = 240.0  # 512 MiB at 10 MB/s take 54, four times over for what else is going on
CERTIFICATE: Final = re.compile(
    "-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL
)


def read_roots(file: str | None) -> tuple[str, ...]:
    """The maker's roots, PEM, that the installer wrote to *file*; raises `ConfigError`."""
    if file is None:
        return ()
    try:
        text = Path(file).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"[firmware] ca_file {file} cannot be read: {error}") from error
    found = tuple(CERTIFICATE.findall(text))
    if not found:
        raise ConfigError(f"[firmware] ca_file {file} holds no certificate in PEM")
    return found


class ChildVerifier:
    """Implements `edge.ports.Verifier`."""

    def __init__(self, *, within_s: float = WITHIN_S) -> None:
        self._within_s = within_s

    async def verify(self, image: Path, seal: Seal, roots: Sequence[str], at: datetime) -> None:
        """Start the child, ask it, end it."""
        question = {
            "op": "seal",
            "file": str(image),
            "signature": seal.signature,
            "signer": seal.signing_certificate,
            "roots": roots,
            "at": at.isoformat(),
        }
        try:
            async with asyncio.timeout(self._within_s):
                said = await _ask(question)
        except TimeoutError:
            raise VerifierFailed(f"{image} was not verified in {self._within_s} s") from None
        if said is None:
            raise VerifierFailed(f"{image} was not verified: the process died")
        if "unfit" in said:
            raise ImageUntrusted(f"{image} is not installed: {said['unfit']}")


async def _ask(question: dict[str, Any]) -> dict[str, Any] | None:
    async with started("edge.drivers.x509", question) as process:
        return await next_line(process)

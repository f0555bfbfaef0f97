"""X.509 for the daemon: each question goes to a child process, bounded in time, size and memory.

The child, `edge.drivers.x509`, brings `cryptography` and leaves with it: at rest certificates cost
the controller nothing, and a parser that a stranger's bytes broke was never in it.

Quality: tested with the real child and hostile input; no field record yet.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog

from edge.core.vocabulary import CertificateUse
from edge.core.x509 import (
    ChainFound,
    CheckChain,
    InspectRoot,
    KeyMade,
    MakeSigningRequest,
    NotDone,
    Root,
    Unfit,
    X509Answer,
    X509Question,
)
from edge.drivers.child import next_line, started

WITHIN_S: Final = 10.0  # a busy Raspberry Pi starts the child in two
WHY_MAX: Final = 200  # characters of a stranger's words that are passed on

_CERTIFICATE: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----"
)
"""RFC 7468, read with tolerance."""

log = structlog.get_logger()


class ChildNotary:
    """Implements `edge.ports.Notary`; *ca_file* is the installer's, for the central system."""

    def __init__(self, ca_file: str | None = None, *, within_s: float = WITHIN_S) -> None:
        self._ca_files = [] if ca_file is None else [ca_file]
        self._within_s = within_s

    async def answer(self, question: X509Question) -> X509Answer:
        """Start the child, ask it, end it; what holds no certificate is not worth a child."""
        pem = _strangers_words(question)
        if pem is not None and not _CERTIFICATE.search(pem):
            return Unfit(why="there is no certificate in PEM in it")
        try:
            async with asyncio.timeout(self._within_s):
                said = await _ask(self._put(question))
        except TimeoutError:
            return NotDone(why=f"certificates: no answer in {self._within_s} s")
        except (OSError, ValueError) as error:
            return NotDone(why=f"certificates: {type(error).__name__}: {error}")
        if "unfit" in said:
            return Unfit(why=_one_line(said["unfit"]))
        found: dict[str, Any] = said["found"]
        if isinstance(question, InspectRoot):
            return msgspec.convert({"use": question.use, **found}, Root)
        if isinstance(question, CheckChain):
            return msgspec.convert(found, ChainFound)
        return msgspec.convert(found, KeyMade)

    async def ends(self, files: Mapping[str, str]) -> dict[str, datetime]:
        """When the certificates end that the installer's *files* hold, by what each file is.

        What cannot be read is left out: the line says it in its own words.
        """
        if not files:
            return {}
        try:
            async with asyncio.timeout(self._within_s):
                said = await _ask({"op": "ends", "files": list(files.values())})
        except (TimeoutError, OSError, ValueError) as error:
            log.warning("certificates_unread", why=f"{type(error).__name__}: {error}")
            return {}
        found = said["found"]
        return {
            what: datetime.fromisoformat(found[file])
            for what, file in files.items()
            if found[file] is not None
        }

    def _put(self, question: X509Question) -> dict[str, Any]:
        match question:
            case InspectRoot():
                return {"op": "root", "pem": question.pem, "at": question.at.isoformat()}
            case CheckChain():
                ours = question.use is CertificateUse.CENTRAL_SYSTEM_ROOT
                return {
                    "op": "chain",
                    "pem": question.chain,
                    "roots": question.roots,
                    "files": self._ca_files if ours else [],
                    "purpose": "station" if ours else "firmware",
                    "at": question.at.isoformat(),
                    "ahead_s": question.ahead_s,
                }
            case MakeSigningRequest():
                return {
                    "op": "request",
                    "common_name": question.common_name,
                    "organisation": question.organisation,
                }


def _strangers_words(question: X509Question) -> str | None:
    match question:
        case InspectRoot():
            return question.pem
        case CheckChain():
            return question.chain
        case MakeSigningRequest():
            return None


async def _ask(question: dict[str, Any]) -> dict[str, Any]:
    """One line in, one line out; raises OSError or ValueError where none comes."""
    async with started("edge.drivers.x509", question) as process:
        said = await next_line(process)
    if said is None:
        raise ChildProcessError("its process died")
    return said


def _one_line(why: str) -> str:
    plain = "".join(one if one.isprintable() else " " for one in why)
    return " ".join(plain.split())[:WHY_MAX]

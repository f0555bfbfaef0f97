"""What the bridge decides: which document may replace which, and how a session is called. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from edge.bridge.document import Document

AHEAD: Final = timedelta(minutes=1)
"""Clocks of healthy machines differ by less; what is stored from later than that is no guide."""
ID_BYTES: Final = 16  # 128 bits: nobody finds a session by trying


class Standing(NamedTuple):
    """What the database holds of a station now, as far as the order goes."""

    source: str
    sequence: int
    at: datetime


def standing_of(value: Any) -> Standing | None:
    """Read what is stored; `None` if there is nothing, or nothing that could be of ours."""
    try:
        at = datetime.fromisoformat(value["at"])
        found = Standing(str(value["source"]), int(value["sequence"]), at)
    except (KeyError, TypeError, ValueError):
        return None
    return found if at.tzinfo is not None else None


def supersedes(
    document: Document, standing: Standing | None, *, is_reconnected: bool, now: datetime
) -> bool:
    """Say whether *document* may replace what stands in the database; as `hmi/feed/document.js`.

    The sequence decides. The first word of a new connection counts by its time as well, because a
    source that lost its memory counts anew from zero; and against a time that has not come yet it
    counts in any case, as a clock was wrong then.
    """
    if standing is None:
        return True
    is_later = document.at > standing.at or standing.at > now + AHEAD
    if document.source != standing.source:
        return is_later
    return document.sequence > standing.sequence or (is_reconnected and is_later)


def session_id(secret: bytes, station: str, connector: int, started_at: datetime) -> str:
    """Name a session as only the bridge can, and the same after every restart: 22 characters."""
    words = f"session|{station}|{connector}|{started_at.timestamp():.3f}".encode()
    digest = hmac.digest(secret, words, hashlib.sha256)[:ID_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def identity(name: str, stations: Iterable[str] | None) -> dict[str, Any]:
    """Say who the bridge is to the rules: one station's, or that of a whole fleet (`None`)."""
    codes = list(stations or ())
    if len(codes) == 1:
        return {"uid": f"edge-{codes[0]}", "station": codes[0]}
    return {"uid": name, "fleet": True}

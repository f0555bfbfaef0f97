"""When the certificates that we use end, and which warning that makes due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from edge.core.state import ChargePoint

STAGES: Final = (7, 30, 60)
"""Days before the end at which it is told, the last warning first."""

OVER: Final = 0
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The certificate *what* ends at *not_after*; *due* is the warning, `None` for none."""

    what: str
    not_after: datetime
    days_left: int
    due: int | None


def endings(state: ChargePoint, files: Mapping[str, datetime], now: datetime) -> tuple[Ending, ...]:
    """All certificates that are known: those in *files*, those over OCPP, the far end's."""
    known = dict(sorted({**files, **dict(_known(state))}.items(), key=lambda each: each[1]))
    return tuple(
        Ending(what=what, not_after=ends, days_left=(ends - now) // DAY, due=due(ends, now))
        for what, ends in known.items()
    )


def due(not_after: datetime, now: datetime) -> int | None:
    """The warning for one that ends at *not_after*: 60, 30 or 7 days, 0 when it is over."""
    if not_after <= now:
        return OVER
    return next((days for days in STAGES if not_after - now <= days * DAY), None)


def _known(state: ChargePoint) -> Iterator[tuple[str, datetime]]:
    station = state.station
    if station.line.ends_at is not None:
        yield "the central system's certificate", station.line.ends_at
    if station.credentials.kept.own is not None:
        yield "our own certificate", station.credentials.kept.own.not_after
    for root in station.certificates.roots:
        yield f"the root {root.fingerprint[:12]} ({root.use})", root.not_after

"""Who or what decides now: why no energy flows, or nobody can start, and what must change.

The weightiest cause is first. Each stands on the predicate by which `levels` and the machines
decide; none holds exactly when somebody may start, or when energy flows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.core import levels, limits, reason_words, reasons, trouble
from edge.core.bay import Ended
from edge.core.faults import Case, case_of
from edge.core.reason_words import Owner
from edge.core.reasons import Row
from edge.core.state import ChargePoint
from edge.core.vocabulary import ConnectorStatus

__all__ = ["Cause", "Owner", "causes", "ended", "info", "limit", "line"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """*what* holds, in the words of StatusNotification.info (50 letters at most), and whose it is.

    *since* and *until* are monotonic seconds; `None`: not known, or not by time. *remedy* is what
    must change, one sentence.
    """

    what: str
    owner: Owner
    remedy: str
    since: float | None = None
    until: float | None = None


def causes(state: ChargePoint, connector: int, now: float) -> tuple[Cause, ...]:
    """Why no energy flows in the session of *connector*; without one, why nobody can start."""
    case = case_of(state, connector, now)
    return tuple(_cause(row, case) for row in _rows(case) if row.is_there(case))


def line(state: ChargePoint) -> Cause | None:
    """What stands between the station and its central system; `None` while they talk."""
    found = trouble.apart(state)
    if found is None:
        return None
    words = found.words
    return Cause(what=words.what, owner=words.owner, remedy=words.remedy, since=found.since)


def info(state: ChargePoint, connector: int, now: float, status: ConnectorStatus) -> str | None:
    """Why a connector is Unavailable or SuspendedEVSE, its *status*, if that is worth a message."""
    if connector == 0 or status not in _TOLD_WITH:
        return None
    case = case_of(state, connector, now)
    first = next((row for row in _rows(case) if row.is_there(case)), None)
    return first.what(case) if first is not None and first.is_told else None


_TOLD_WITH: Final = (ConnectorStatus.UNAVAILABLE, ConnectorStatus.SUSPENDED_EVSE)


def limit(state: ChargePoint, connector: int, now: float) -> Cause | None:
    """Who keeps a session that runs below what the connector is rated for, if anybody does."""
    lowest = limits.slots(state, connector, now)[0]
    is_held = levels.limit_a(state, connector, now) > 0
    if not is_held or lowest.owner is limits.Owner.RATING:
        return None
    words = reason_words.LIMITS[lowest.owner]
    return Cause(
        what=f"{words.what}: {lowest.limit_a:g} A",
        owner=words.owner,
        remedy=words.remedy,
        since=lowest.since,
        until=reasons.limit_until(state, lowest),
    )


def ended(last: Ended) -> Cause:
    """Who ended the last session; what it was is in *what*, there is nothing to mend."""
    what, owner = reason_words.ENDED[last.reason]
    return Cause(what=what, owner=owner, remedy="", since=last.at.monotonic)


def _rows(case: Case) -> tuple[Row, ...]:
    return reasons.ENERGY if case.bay.transaction is not None else reasons.START


def _cause(row: Row, case: Case) -> Cause:
    what = row.what(case)
    since = row.since(case)
    return Cause(
        what=what,
        owner=row.owner(case),
        remedy=row.remedy(case),
        since=_noticed_since(case, what) if since is None else min(since, case.now),
        until=row.until(case),
    )


def _noticed_since(case: Case, what: str) -> float | None:
    """Since when the status says so, which `notice` keeps for all that it tells."""
    notice = case.bay.notice
    told = notice.candidate
    is_it = told is not None and (told[2] == what or reason_words.BY_STATUS.get(told[0]) == what)
    return notice.since.monotonic if is_it and notice.since is not None else None

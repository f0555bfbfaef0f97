"""Machine `notice`: the central system hears each status once, when it has lasted long enough.

Compares what it was last told with what `levels` says. Offline nothing is queued: on return only
what differs is told (4.9, ruling 25). The burst after an accepted boot tells all.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from edge.core import anchors, faults, keys, levels, why
from edge.core.bay import Notice
from edge.core.draft import Draft
from edge.core.events import Settled
from edge.core.facts import Registered, Triggered
from edge.core.messages import NoAnswer, StatusNotification
from edge.core.state import ChargePoint
from edge.core.vocabulary import ConnectorStatus, ErrorCode
from edge.core.waiting import ToMention, ToNotify

Told = tuple[ConnectorStatus, ErrorCode, str | None]


def _notice(draft: Draft, connector: int) -> Notice:
    return draft.bay(connector).notice if connector else draft.station.notice


def _put(draft: Draft, connector: int, notice: Notice) -> None:
    if connector:
        draft.put(connector, notice=notice)
    else:
        draft.put_station(notice=notice)


def current(state: ChargePoint, connector: int, now: float) -> Told:
    """Status, error code and info of *connector* as they are."""
    status = levels.status(state, connector, now)
    code, info = levels.error(state, connector, now)
    if info is None:
        info = why.info(state, connector, now, status)
    return status, code, info


def is_introduced(state: ChargePoint) -> bool:
    """Whether the central system was told every status: what must come before it may speak now."""
    notices = (state.station.notice, *(bay.notice for bay in state.bays))
    return all(notice.reported is not None for notice in notices)


def on_registered(draft: Draft, _: Registered) -> None:
    """Forget what was told: `settle` tells all anew."""
    for connector in (0, *draft.state.connectors):
        _put(draft, connector, replace(_notice(draft, connector), reported=None))


def settle(draft: Draft) -> None:
    """Follow every status; tell those that are due. Runs last in each step."""
    for connector in (0, *draft.state.connectors):
        told = current(draft.state, connector, draft.now)
        notice = _notice(draft, connector)
        if notice.candidate != told:
            notice = replace(notice, candidate=told, since=draft.at)
            _put(draft, connector, notice)
        if draft.station.registration.online and draft.has_room and _is_due(draft, notice):
            _notify(draft, connector, notice, told)


def _is_due(draft: Draft, notice: Notice) -> bool:
    if notice.reported == notice.candidate:
        return False
    due = due_at(draft.state, notice)
    return due is None or draft.now >= due


_IN_A_TRANSACTION: Final = (
    ConnectorStatus.CHARGING,
    ConnectorStatus.SUSPENDED_EV,
    ConnectorStatus.SUSPENDED_EVSE,
)
"""What is told of a transaction that runs; the status after them ends it (ruling 25)."""


def due_at(state: ChargePoint, notice: Notice) -> float | None:
    """When a candidate has lasted for MinimumStatusDuration; `None`: now, or nothing to tell."""
    if notice.reported is None or notice.candidate is None or notice.since is None:
        return None
    was, becomes = notice.reported[0], notice.candidate[0]
    at_once = ConnectorStatus.FAULTED in (was, becomes) or (
        was in _IN_A_TRANSACTION and becomes not in _IN_A_TRANSACTION
    )
    if notice.reported == notice.candidate or at_once:
        return None
    wait_s = keys.number(state, "MinimumStatusDuration")
    return notice.since.monotonic + wait_s if wait_s else None


def _notify(draft: Draft, connector: int, notice: Notice, told: Told) -> None:
    since = anchors.final(draft.station.clock, notice.since or draft.at).wall
    if _skips_preparing(notice, told):
        between = (ConnectorStatus.PREPARING, ErrorCode.NO_ERROR, None)
        draft.send(ToMention(), _message(connector, between, since))
    _put(draft, connector, replace(notice, reported=told))
    purpose = ToNotify(connector=connector, status=told[0], error_code=told[1])
    message = _message(connector, told, since)
    unwritten = None if draft.station.journal_lost is None else faults.unrecorded(draft.state)
    if unwritten is not None and told[1:] == (unwritten.code, unwritten.info):
        draft.request(purpose, message)  # behind a disk that takes nothing it would wait for ever
    else:
        draft.send(purpose, message)


def _skips_preparing(notice: Notice, told: Told) -> bool:
    """From Reserved the table of 4.9 leads into a session by way of Preparing only (G2)."""
    was_reserved = notice.reported is not None and notice.reported[0] is ConnectorStatus.RESERVED
    return was_reserved and told[0] in _IN_A_TRANSACTION


def _message(connector: int, told: Told, since: datetime) -> StatusNotification:
    status, code, info = told
    return StatusNotification(
        connector_id=connector, status=status, error_code=code, info=info, timestamp=since
    )


def on_settled(draft: Draft, purpose: ToNotify, event: Settled) -> None:
    """What was not heard is told again when the line is back, if it still holds."""
    notice = _notice(draft, purpose.connector)
    is_newest = notice.reported is not None and notice.reported[:2] == (
        purpose.status,
        purpose.error_code,
    )
    if isinstance(event.answer, NoAnswer) and is_newest:
        _put(draft, purpose.connector, replace(notice, reported=None))


def on_trigger(draft: Draft, fact: Triggered) -> None:
    """TriggerMessage(StatusNotification): without connector 0 and all (ruling 20)."""
    if fact.message != "StatusNotification":
        return
    wanted = (0, *draft.state.connectors) if fact.connector is None else (fact.connector,)
    for connector in wanted:
        told = current(draft.state, connector, draft.now)
        draft.send(ToMention(), _message(connector, told, draft.at.wall))

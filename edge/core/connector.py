"""Machine `connector`: the phases of a session at one connector, as one complete table.

    IDLE ─ plug or permit ─► PREPARING ─ both ─► OPENING ─ locked, begin read ─► CHARGING
      ▲                        │  ▲                 │ meter or lock fails           │ must stop
      │                        │  └─────────────────┘                               ▼
      └── plug out ─ FINISHING ◄┴─ time-out while plugged        closed ◄──────── STOPPING
    RECOVERING (after a restart) goes on to CHARGING or is closed like a stop.

Each pair of phase and fact is a function or a named reason to ignore it; a test checks them all.
Source: OCPP 1.6 4.9, rulings 2, 10, 11, 12, 14, 40.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from edge.core import evse, faults, keys, levels, recovery
from edge.core.bay import Connector, Phase
from edge.core.draft import Draft
from edge.core.events import MeterFailed, MeterRead
from edge.core.facts import (
    Cancelled,
    CarGone,
    Closed,
    EndRead,
    Granted,
    InputsChanged,
    MustStop,
    Opened,
    PluggedIn,
    PluggedOut,
    ReadyToOpen,
    Resumed,
)
from edge.core.vocabulary import ConnectorStatus, StopReason
from edge.core.waiting import ToBegin, ToEnd

FRESH_S: Final = 5.0  # a reading this old is the begin register while the contactor is open
OPEN_WITHIN_S: Final = 3.0  # lock and begin register, from plug and permit together
CONTACTOR_GRACE_S: Final = 3.0  # after the ramp: feedback of a contactor that does open
RECOVER_WITHIN_S: Final = 10.0  # for inputs and meter to come up after a restart

Act = Callable[[Draft, Any], None]


def on_fact(draft: Draft, fact: Any) -> None:
    """Look the pair up in the table."""
    act = TABLE[draft.bay(fact.connector).connector.phase][type(fact)]
    if callable(act):
        act(draft, fact)


def _put(draft: Draft, connector: int, **changes: Any) -> None:
    draft.put(connector, connector=replace(draft.bay(connector).connector, **changes))


# ── coming together ──────────────────────────────────────────────────────────────────────────────


def _plug(draft: Draft, fact: PluggedIn) -> None:
    before = draft.bay(fact.connector).connector
    _put(draft, fact.connector, plugged_at=draft.now)
    if before.permit is not None:
        _open(draft, fact.connector)
    else:
        _prepare(draft, fact.connector)


def _prepare(draft: Draft, connector: int) -> None:
    within_s = keys.number(draft.state, "ConnectionTimeOut")
    _put(draft, connector, phase=Phase.PREPARING, permit=None, until=draft.now + within_s)


def _grant(draft: Draft, fact: Granted) -> None:
    _put(draft, fact.connector, permit=fact.permit, keeps_lock=False)
    if levels.is_plugged(draft.state, fact.connector):
        _open(draft, fact.connector)
    else:
        _put(draft, fact.connector, phase=Phase.PREPARING, until=fact.permit.until)


def _cancel(draft: Draft, fact: Cancelled) -> None:
    if draft.bay(fact.connector).seen.plugged:
        _prepare(draft, fact.connector)
    else:
        _rest(draft, fact.connector)


def _rest(draft: Draft, connector: int) -> None:
    before = draft.bay(connector).connector
    draft.put(connector, connector=Connector(stopped_at=before.stopped_at))


def _leave(draft: Draft, fact: PluggedOut) -> None:
    _rest(draft, fact.connector)


# ── opening ──────────────────────────────────────────────────────────────────────────────────────


def _open(draft: Draft, connector: int) -> None:
    if not levels.may_begin(draft.state, connector, draft.now):
        _prepare(draft, connector)
        return
    _put(draft, connector, phase=Phase.OPENING, until=draft.now + OPEN_WITHIN_S)
    begin = ToBegin(connector=connector)
    if not _has_fresh_reading(draft, connector) and not draft.awaits(begin):
        draft.read_meter(begin, connector)
    _try_to_open(draft, connector)


def _has_fresh_reading(draft: Draft, connector: int) -> bool:
    metering = draft.bay(connector).metering
    last = metering.last
    return last is not None and metering.failed is None and draft.at.since(last.at) <= FRESH_S


def _try_to_open(draft: Draft, connector: int) -> None:
    bay = draft.bay(connector)
    is_locked = bay.seen.locked or not draft.state.setup.traits[connector - 1].has_lock
    if not is_locked or bay.seen.contactor_closed or not _has_fresh_reading(draft, connector):
        return
    permit, begin = bay.connector.permit, bay.metering.last
    assert permit is not None
    assert begin is not None
    draft.tell(ReadyToOpen(connector=connector, permit=permit, begin=begin))


def _look_again(draft: Draft, fact: InputsChanged) -> None:
    if faults.fault(draft.state, fact.connector, draft.now) is not None:
        _prepare(draft, fact.connector)
    else:
        _try_to_open(draft, fact.connector)


def on_begin(draft: Draft, purpose: ToBegin, event: MeterRead | MeterFailed | None) -> None:
    """The begin register came, or nothing sells energy without it (ruling 12)."""
    if draft.bay(purpose.connector).connector.phase is not Phase.OPENING:
        return
    if isinstance(event, MeterRead):
        _try_to_open(draft, purpose.connector)
    else:
        _prepare(draft, purpose.connector)


def _charge(draft: Draft, fact: Opened) -> None:
    draft.put(
        fact.connector,
        connector=Connector(phase=Phase.CHARGING, started_at=draft.now, plugged_at=draft.now),
    )


# ── ending ───────────────────────────────────────────────────────────────────────────────────────


def _give_up_opening(draft: Draft, fact: MustStop) -> None:
    _prepare(draft, fact.connector)


def _stop(draft: Draft, fact: MustStop) -> None:
    until = draft.now + draft.policy.stop_within_s + CONTACTOR_GRACE_S
    _put(draft, fact.connector, phase=Phase.STOPPING, until=until, urgent=fact.urgent, asked=False)


def _hurry(draft: Draft, fact: MustStop) -> None:
    if fact.urgent:
        _put(draft, fact.connector, urgent=True)


def _lose_plug(draft: Draft, fact: PluggedOut) -> None:
    draft.tell(MustStop(connector=fact.connector, reason=StopReason.EV_DISCONNECTED, urgent=True))


def _lose_car(draft: Draft, fact: CarGone) -> None:
    if keys.flag(draft.state, "StopTransactionOnEVSideDisconnect"):
        reason = StopReason.EV_DISCONNECTED
        draft.tell(MustStop(connector=fact.connector, reason=reason, urgent=True))


def on_end(draft: Draft, purpose: ToEnd, event: MeterRead | MeterFailed | None) -> None:
    """The end register came; if none did, or another meter's, the last one known must do."""
    bay = draft.bay(purpose.connector)
    own = isinstance(event, MeterRead) and not bay.is_of_another_meter(event.reading)
    end = event.reading if isinstance(event, MeterRead) and own else None
    draft.tell(EndRead(connector=purpose.connector, end=end))


def _finish(draft: Draft, fact: Closed) -> None:
    bay = draft.bay(fact.connector)
    if not bay.seen.plugged:
        draft.put(fact.connector, connector=Connector(stopped_at=draft.now))
        return
    has_lock = draft.state.setup.traits[fact.connector - 1].has_lock
    unplugged = fact.reason is StopReason.EV_DISCONNECTED
    keeps = fact.reason is StopReason.DE_AUTHORIZED or (
        unplugged and not keys.flag(draft.state, "UnlockConnectorOnEVSideDisconnect")
    )
    draft.put(
        fact.connector,
        connector=Connector(
            phase=Phase.FINISHING,
            keeper=fact.id_tag,
            keeper_parent=fact.parent_id_tag,
            keeps_lock=has_lock and keeps,
            plugged_at=bay.connector.plugged_at,
            stopped_at=draft.now,
        ),
    )


def _release(draft: Draft, fact: Cancelled) -> None:
    """The cable of a deauthorised session goes back to the one who brought it (errata 3.5)."""
    _put(draft, fact.connector, keeps_lock=False)


def _resume(draft: Draft, fact: Resumed) -> None:
    draft.put(
        fact.connector,
        connector=Connector(phase=Phase.CHARGING, started_at=draft.now, plugged_at=draft.now),
    )


# ── time and outputs ─────────────────────────────────────────────────────────────────────────────


def on_tick(draft: Draft) -> None:
    """A phase's deadline has come."""
    for connector in draft.state.connectors:
        state = draft.bay(connector).connector
        if state.until is not None and draft.now >= state.until:
            _put(draft, connector, until=None)
            _time_out(draft, connector, state.phase)


def _time_out(draft: Draft, connector: int, phase: Phase) -> None:
    bay = draft.bay(connector)
    match phase:
        case Phase.PREPARING if _is_reserved(draft, connector):
            pass  # the plug alone takes nothing from its owner, however long it is in
        case Phase.PREPARING if bay.seen.plugged:
            _put(draft, connector, phase=Phase.FINISHING, permit=None)
        case Phase.PREPARING:
            _rest(draft, connector)
        case Phase.OPENING:
            if draft.state.setup.traits[connector - 1].has_lock and not bay.seen.locked:
                evse.fail_lock(draft, connector)
            _prepare(draft, connector)
        case Phase.STOPPING:
            _ask_end(draft, connector)
        case _:
            assert phase is Phase.RECOVERING, f"{phase} sets no deadline"
            recovery.decide(draft, connector)


def _is_reserved(draft: Draft, connector: int) -> bool:
    return levels.status(draft.state, connector, draft.now) is ConnectorStatus.RESERVED


def advance(draft: Draft) -> None:
    """Go on where the contactor was all that was waited for. Runs after `contactor.settle`."""
    for connector in draft.state.connectors:
        bay = draft.bay(connector)
        is_open = not bay.contactor.ordered and not bay.seen.contactor_closed
        match bay.connector.phase:
            case Phase.STOPPING if is_open and not bay.connector.asked:
                _await_refresh(draft, connector)
            case Phase.RECOVERING if is_open and bay.seen.known and _has_settled(draft, connector):
                recovery.decide(draft, connector)
            case Phase.PREPARING if bay.connector.until is None:
                if not _is_reserved(draft, connector):
                    _prepare(draft, connector)
            case _:
                pass


def _has_settled(draft: Draft, connector: int) -> bool:
    """Whether the meter was read after it can have published all that passed (ruling 2)."""
    bay = draft.bay(connector)
    last, opened_at = bay.metering.last, bay.contactor.opened_at
    assert opened_at is not None, "a restart notes when it found the contactor open"
    refresh_s = draft.state.setup.traits[connector - 1].meter_refresh_s
    return last is not None and last.at.monotonic >= opened_at + refresh_s


def _await_refresh(draft: Draft, connector: int) -> None:
    """Ask for the end register, not before the meter can have published one (ruling 2)."""
    opened_at = draft.bay(connector).contactor.opened_at
    refresh_s = draft.state.setup.traits[connector - 1].meter_refresh_s
    due = (opened_at or 0.0) + refresh_s
    if opened_at is None or draft.now >= due:
        _ask_end(draft, connector)
    elif draft.bay(connector).connector.until != due:
        _put(draft, connector, until=due)


def _ask_end(draft: Draft, connector: int) -> None:
    _put(draft, connector, asked=True, until=None)
    draft.read_meter(ToEnd(connector=connector), connector)


TABLE: Final[Mapping[Phase, Mapping[type, Act | str]]] = {
    Phase.IDLE: {
        Granted: _grant,
        Cancelled: "nothing to give back",
        PluggedIn: _plug,
        PluggedOut: "it was never noticed",
        CarGone: "no session",
        InputsChanged: "no session",
        MustStop: "no session",
        Opened: "only OPENING opens",
        Closed: "only a session closes",
        Resumed: "only RECOVERING resumes",
    },
    Phase.PREPARING: {
        Granted: _grant,
        Cancelled: _cancel,
        PluggedIn: _plug,
        PluggedOut: _leave,
        CarGone: "the plug is still in, the timer runs",
        InputsChanged: "nothing is waited for",
        MustStop: "no session",
        Opened: "only OPENING opens",
        Closed: "only a session closes",
        Resumed: "only RECOVERING resumes",
    },
    Phase.OPENING: {
        Granted: "somebody is already about to start",
        Cancelled: _cancel,
        PluggedIn: "it is in",
        PluggedOut: _leave,
        CarGone: "the plug is still in; no energy flows without the car",
        InputsChanged: _look_again,
        MustStop: _give_up_opening,
        Opened: _charge,
        Closed: "only a session closes",
        Resumed: "only RECOVERING resumes",
    },
    Phase.CHARGING: {
        Granted: "occupied",
        Cancelled: "it is a session now, not a permit",
        PluggedIn: "it is in",
        PluggedOut: _lose_plug,
        CarGone: _lose_car,
        InputsChanged: "levels and contactor follow by themselves",
        MustStop: _stop,
        Opened: "it is open",
        Closed: "only STOPPING closes",
        Resumed: "it runs",
    },
    Phase.STOPPING: {
        Granted: "occupied",
        Cancelled: "it is a session, not a permit",
        PluggedIn: "seen when it is closed",
        PluggedOut: "seen when it is closed",
        CarGone: "it stops anyway",
        InputsChanged: "`advance` looks at the contactor",
        MustStop: _hurry,
        Opened: "it is open",
        Closed: _finish,
        Resumed: "it stops",
    },
    Phase.FINISHING: {
        Granted: _grant,
        Cancelled: _release,
        PluggedIn: "it is in",
        PluggedOut: _leave,
        CarGone: "over already",
        InputsChanged: "over already",
        MustStop: "over already",
        Opened: "only OPENING opens",
        Closed: "closed already",
        Resumed: "only RECOVERING resumes",
    },
    Phase.RECOVERING: {
        Granted: "occupied",
        Cancelled: "it is a session, not a permit",
        PluggedIn: "seen by `advance`",
        PluggedOut: "seen by `advance`",
        CarGone: "seen by `advance`",
        InputsChanged: "`advance` looks at contactor and meter",
        MustStop: "closed soon, with the reason of the restart",
        Opened: "it is open",
        Closed: _finish,
        Resumed: _resume,
    },
}
"""What each phase does about each fact; text is the reason why it does nothing."""

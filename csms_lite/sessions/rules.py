"""What a transaction and its samples are, and which way a session goes.

    pending ──► running ──► closed ──► completed | billing_failed   (billing: issue 8)
       ├──► rejected   ▲
       └──► failed ────┘  it began after all: what the charger tells is a fact

A session is *pending* from a driver's wish until the charger tells of its beginning. UNREACHABLE
is no state: it is a running session whose charger is away, and follows from presence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from csms_lite.clock import rfc3339
from csms_lite.errors import Refused


class State(StrEnum):
    """How far a session is."""

    PENDING = "pending"
    RUNNING = "running"
    CLOSED = "closed"
    REJECTED = "rejected"
    FAILED = "failed"
    COMPLETED = "completed"
    BILLING_FAILED = "billing_failed"


class Event(StrEnum):
    """What moves a session on."""

    BEGAN = "began"
    """StartTransaction."""
    REFUSED = "refused"
    """The charger answered the RemoteStart with Rejected."""
    LOST = "lost"
    """Not sent, not answered, taken back, or accepted and nothing came of it."""
    ENDED = "ended"
    """StopTransaction."""
    CLOSED = "closed"
    """An operator closed it without the charger's word."""


NEXT: Final[Mapping[tuple[State, Event], State]] = {
    (State.PENDING, Event.BEGAN): State.RUNNING,
    (State.PENDING, Event.REFUSED): State.REJECTED,
    (State.PENDING, Event.LOST): State.FAILED,
    (State.FAILED, Event.BEGAN): State.RUNNING,
    (State.RUNNING, Event.ENDED): State.CLOSED,
    (State.RUNNING, Event.CLOSED): State.CLOSED,
    (State.CLOSED, Event.ENDED): State.CLOSED,  # closed by an operator: the real end came late
}
"""All ways there are; COMPLETED and BILLING_FAILED are billing's, and nothing leads there yet."""

COARSE_MIN: Final = 15  # so that no neighbour can match it with a car that left
SHORTEST_REASON: Final = 3  # "ok" is no reason to close somebody's session
LONGEST_REASON: Final = 500


class Session(NamedTuple):
    """A transaction as it is stored, with the OCPP identity of its charger."""

    transaction_id: int
    station_id: int
    charger: str
    connector: int
    id_tag: str
    verdict: str
    state: str
    meter_start_wh: int | None
    started_at_ms: int
    received_at_ms: int
    meter_stop_wh: int | None
    stopped_at_ms: int | None
    stop_reason: str | None
    cable_out_at_ms: int | None
    register_wh: int | None
    power_w: int | None
    measured_at_ms: int | None
    currency: str | None
    per_kwh_minor: int | None
    user_id: int | None = None
    reference: str | None = None
    asked_at_ms: int | None = None
    start_command_id: int | None = None
    stop_command_id: int | None = None
    stop_asked_at_ms: int | None = None
    goal_wh: int | None = None
    goal_soc_percent: int | None = None
    problem: str | None = None
    closed_at_ms: int | None = None
    closed_by: str | None = None
    close_reason: str | None = None
    power_derived: int | None = None
    soc_percent: int | None = None


Phases = dict[str | None, float]
"""Numbers by phase; `None` is the total."""


@dataclass(slots=True)
class Readings:
    """The numbers of the outlet at one moment, converted."""

    energy: Phases = field(default_factory=dict)
    power: Phases = field(default_factory=dict)
    current: Phases = field(default_factory=dict)
    voltage: Phases = field(default_factory=dict)
    factor: Phases = field(default_factory=dict)
    temperatures: list[float] = field(default_factory=list)
    soc: float | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured at one moment: as it came, and what `measures.read_sample` made of it."""

    at_ms: int
    energy_wh: int | None
    power_w: int | None
    values: Sequence[Mapping[str, Any]]
    readings: Readings = msgspec.field(default_factory=Readings)
    power_derived: bool = False
    soc_percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A transaction that began at a station."""

    connector: int
    id_tag: str
    meter_start_wh: int
    started_at_ms: int
    reservation_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A transaction that ended at a station."""

    transaction_id: int
    meter_stop_wh: int
    stopped_at_ms: int
    reason: str
    id_tag: str | None
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a driver wants to begin; *reference* is his own name for it."""

    station_id: int
    connector: int
    id_tag: str
    user_id: int | None
    reference: str | None = None
    goal_wh: int | None = None
    goal_soc_percent: int | None = None


class LastCharge(NamedTuple):
    """The last charge at a station as anybody may see it: nobody's, and at no exact time."""

    connector: int
    day: str
    energy_wh: int
    about_min: int


def next_state(state: str, event: Event) -> State:
    """Give where *event* leads; raises `Refused` where it leads nowhere."""
    found = NEXT.get((State(state), event))
    if found is None:
        raise Refused(f"a session that is {state} cannot become {event}")
    return found


def states_before(event: Event) -> list[State]:
    """Give the states that *event* moves on, for the statements."""
    return sorted(state for state, moved_by in NEXT if moved_by is event)


def awaits_its_end(session: Session) -> bool:
    """Say whether a StopTransaction is still to come: it runs, or only an operator closed it."""
    return session.meter_start_wh is not None and session.meter_stop_wh is None


def energy_wh(session: Session) -> int:
    """Give the energy of a session so far, or in the end; never less than nothing."""
    newest = session.meter_stop_wh if session.meter_stop_wh is not None else session.register_wh
    if newest is None or session.meter_start_wh is None:
        return 0
    return max(0, newest - session.meter_start_wh)


def duration_s(session: Session, now_ms: int) -> int:
    """Give how long a session lasts or lasted; nothing while it has not begun."""
    if session.meter_start_wh is None:
        return 0
    until_ms = session.stopped_at_ms or session.closed_at_ms or now_ms
    return max(0, until_ms - session.started_at_ms) // 1000


def last_charge(session: Session) -> LastCharge:
    """Make an ended session public: without tag and user, its times and energy coarse."""
    lasted_s = duration_s(session, session.received_at_ms)
    return LastCharge(
        connector=session.connector,
        day=rfc3339(session.started_at_ms)[:10],
        energy_wh=round(energy_wh(session), -2),
        about_min=max(COARSE_MIN, round(lasted_s / 60 / COARSE_MIN) * COARSE_MIN),
    )


def is_overdue(session: Session, now_ms: int, expiry_ms: int) -> bool:
    """Say whether a running session gave no sign for so long that an operator should look.

    Nothing follows by itself: energy is not invented, and the real end may still come.
    """
    last = max(session.received_at_ms, session.measured_at_ms or 0)
    return session.state == State.RUNNING and now_ms - last > expiry_ms


def same_stop(session: Session, stop: Stop) -> bool:
    """Say whether *stop* only repeats how *session* is known to have ended."""
    return (
        session.meter_stop_wh == stop.meter_stop_wh
        and session.stopped_at_ms == stop.stopped_at_ms
        and session.stop_reason == stop.reason
    )


def newest(samples: Iterable[Sample]) -> Sample:
    """Give the latest of some samples; raises `ValueError` where there is none."""
    return max(samples, key=lambda sample: sample.at_ms)

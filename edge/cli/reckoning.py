"""What the meters counted against what the central system was told: nothing lost, nothing twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

STEP_WH: Final = 1.0  # OCPP counts whole Wh, and so do the simulated meters
CONFLICT: Final = "conflict_"  # how csms_lite marks what contradicts its records


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A session as it happened: the world's register before the tap and after the end."""

    connector: int
    begin_wh: float
    end_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A session as the central system has it; *stop_wh* is `None` while it is open."""

    transaction_id: int
    connector: int
    start_wh: int
    stop_wh: int | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """The result; *differences* are sentences, none if all is well."""

    sessions: int
    world_wh: float
    csms_wh: int
    lost: int
    twice: int
    differences: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"sessions={self.sessions} energy_world_wh={self.world_wh:.0f}"
            f" energy_csms_wh={self.csms_wh} lost={self.lost} twice={self.twice}"
        )


def reckon(
    played: Sequence[Played],
    told: Sequence[Told],
    *,
    drawn_wh: float,
    events: Iterable[str] = (),
    dead_letters: int = 0,
) -> Reckoning:
    """Compare what was *played* with what was *told*.

    *drawn_wh* is ∫P dt over the time that contactors were closed, as the world counted it; *events*
    are the kinds of what the central system noted of the station.
    """
    records = [_records_of(session, told) for session in played]
    lost = sum(not any(_is_closed(one) for one in found) for found in records)
    csms_wh = sum(one.stop_wh - one.start_wh for one in told if one.stop_wh is not None)
    strange = [one for one in told if not any(one in found for found in records)]
    twice = sum(len(found) - 1 for found in records if found) + len(strange)
    return Reckoning(
        sessions=len(told),
        world_wh=drawn_wh,
        csms_wh=csms_wh,
        lost=lost,
        twice=twice,
        differences=(
            *_between(played, records, strange),
            *_energy(drawn_wh, csms_wh, len(played)),
            *_telescope(told),
            *_noted(events, dead_letters),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Energy that went through one closing of a contactor, by the world's register."""

    connector: int
    begin_wh: float
    end_wh: float

    @property
    def energy_wh(self) -> float:
        """How much that was."""
        return self.end_wh - self.begin_wh

    def told_by(self, told: Sequence[Told]) -> float:
        """How much of it the records *told* bill, each for itself."""
        return sum(
            max(0.0, min(self.end_wh, one.stop_wh) - max(self.begin_wh, one.start_wh))
            for one in told
            if one.connector == self.connector and one.stop_wh is not None
        )


def cover(
    flows: Sequence[Flow],
    told: Sequence[Told],
    *,
    drawn_wh: float,
    steps_wh: Mapping[int, float],
    events: Iterable[str] = (),
    dead_letters: int = 0,
) -> Reckoning:
    """Compare what flowed with what was *told*, to a step of each connector's register.

    A flow that no record bills whole is lost, one that records bill more than whole is there twice;
    so is a record of energy that never flowed.
    """
    missing = [f for f in flows if f.told_by(told) < f.energy_wh - steps_wh[f.connector]]
    doubled = [f for f in flows if f.told_by(told) > f.energy_wh + steps_wh[f.connector]]
    invented = [one for one in told if _beyond(one, flows) > steps_wh[one.connector]]
    csms_wh = sum(one.stop_wh - one.start_wh for one in told if one.stop_wh is not None)
    most_wh = sum(steps_wh[one.connector] for one in told)
    off_wh = abs(drawn_wh - csms_wh)
    return Reckoning(
        sessions=len(told),
        world_wh=drawn_wh,
        csms_wh=csms_wh,
        lost=len(missing),
        twice=len(doubled) + len(invented),
        differences=(
            *(f"{_named(flow)} is billed by {flow.told_by(told):.1f} Wh" for flow in missing),
            *(f"{_named(flow)} is billed by {flow.told_by(told):.1f} Wh" for flow in doubled),
            *(
                f"transaction {one.transaction_id} bills {_beyond(one, flows):.1f} Wh that"
                f" connector {one.connector} never let through"
                for one in invented
            ),
            *(
                f"transaction {one.transaction_id} was never closed: it is {one.state}"
                for one in told
                if not _is_closed(one)
            ),
            *([_off(drawn_wh, csms_wh)] if off_wh > most_wh else []),
            *([] if flows else ["no energy flowed: nothing was compared"]),
            *_telescope(told),
            *_noted(events, dead_letters),
        ),
    )


def _beyond(one: Told, flows: Sequence[Flow]) -> float:
    """What the record *one* bills beside all that flowed."""
    if one.stop_wh is None:
        return 0.0
    return one.stop_wh - one.start_wh - sum(flow.told_by([one]) for flow in flows)


def _named(flow: Flow) -> str:
    return (
        f"what connector {flow.connector} let through from {flow.begin_wh:.1f}"
        f" to {flow.end_wh:.1f} Wh"
    )


def _off(drawn_wh: float, csms_wh: int) -> str:
    return f"the world drew {drawn_wh:.1f} Wh, the central system was told of {csms_wh} Wh"


def _noted(events: Iterable[str], dead_letters: int) -> list[str]:
    said = [f"the central system noted {kind}" for kind in events if kind.startswith(CONFLICT)]
    return said + ([f"{dead_letters} messages were refused for good"] if dead_letters else [])


def told_from(session: Mapping[str, Any]) -> Told:
    """One entry of GET /api/sessions."""
    return Told(
        transaction_id=session["transaction_id"],
        connector=session["connector"],
        start_wh=session["meter_start_wh"],
        stop_wh=session["meter_stop_wh"],
        state=session["state"],
    )


def _records_of(session: Played, told: Sequence[Told]) -> list[Told]:
    """The records that begin where *session* began; there should be one."""
    return [
        one
        for one in told
        if one.connector == session.connector and abs(one.start_wh - session.begin_wh) <= STEP_WH
    ]


def _is_closed(one: Told) -> bool:
    return one.state == "closed" and one.stop_wh is not None


def _between(
    played: Sequence[Played], records: Sequence[Sequence[Told]], strange: Sequence[Told]
) -> list[str]:
    said = []
    for session, found in zip(played, records, strict=True):
        name = f"the session on connector {session.connector} from {session.begin_wh:.1f} Wh"
        if len(found) != 1:
            said.append(f"{name} has {len(found)} records instead of 1")
        said += [
            f"{name} was never closed: transaction {one.transaction_id} is {one.state}"
            for one in found
            if not _is_closed(one)
        ]
        drawn_wh = session.end_wh - session.begin_wh
        said += [
            f"{name} took {drawn_wh:.1f} Wh, transaction {one.transaction_id} says"
            f" {one.stop_wh - one.start_wh} Wh"
            for one in found
            if one.stop_wh is not None and abs(one.stop_wh - one.start_wh - drawn_wh) > STEP_WH
        ]
    return said + [
        f"transaction {one.transaction_id} ({one.state}, connector {one.connector},"
        f" {one.start_wh} Wh on) fits no session"
        for one in strange
    ]


def _energy(drawn_wh: float, csms_wh: int, sessions: int) -> list[str]:
    if abs(drawn_wh - csms_wh) <= STEP_WH * sessions:
        return []
    return [_off(drawn_wh, csms_wh)]


def _telescope(told: Sequence[Told]) -> list[str]:
    """A register never goes back: each session begins at or after the end of the one before."""
    ordered = sorted(told, key=lambda one: (one.connector, one.start_wh, one.transaction_id))
    return [
        f"transaction {after.transaction_id} begins at {after.start_wh} Wh, before"
        f" transaction {before.transaction_id} ends at {before.stop_wh} Wh"
        for before, after in pairwise(ordered)
        if before.connector == after.connector
        and before.stop_wh is not None
        and after.start_wh < before.stop_wh
    ]

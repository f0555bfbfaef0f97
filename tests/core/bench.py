"""A bench for the core: a state, a clock, and obedient hardware.

`Bench` steps events and carries out what the core asks of the hardware, as a healthy charging point
would. What the core sends is kept in `sent`; who answers it is `build.Rig`'s business. Nothing here
knows what the core should do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from edge.core.bay import Bay, Phase
from edge.core.deadlines import next_deadline
from edge.core.effects import (
    Ask,
    Cut,
    Effect,
    Energise,
    Raise,
    ReadMeter,
    ReadOutbox,
    Reduce,
    Send,
    SetLock,
    Store,
    SwitchPhases,
    Write,
)
from edge.core.events import (
    Event,
    EvseSeen,
    MeterFailed,
    MeterRead,
    OutboxRead,
    Pilot,
    Stored,
    TagPresented,
    Ticked,
    Trip,
)
from edge.core.instant import Instant
from edge.core.messages import (
    BootNotification,
    CallError,
    Confirmation,
    IdTagInfo,
    NoAnswer,
    StatusNotification,
)
from edge.core.quantities import Reading
from edge.core.records import Delivered, Parked, Queued, Record, Refused, Resent, Thinned
from edge.core.restore import restore
from edge.core.saved import Saved
from edge.core.setup import EvseTraits, Policy, Setup
from edge.core.state import ChargePoint
from edge.core.step import step
from edge.core.vocabulary import AuthorizationStatus, ConnectorStatus
from tests.core.sockets import Socket

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ALICE = "04A2B1C3D4E580"
BOB = "DEADBEEF"
GOOD = IdTagInfo(status=AuthorizationStatus.ACCEPTED)
BAD = IdTagInfo(status=AuthorizationStatus.INVALID)
IDENTITY = BootNotification(charge_point_vendor="Tapwatt", charge_point_model="Bay")

Answer = Confirmation | CallError | NoAnswer
T = TypeVar("T")


def at(monotonic: float, *, wall: datetime = NOON, trusted: bool = True) -> Instant:
    """The moment *monotonic* seconds after *wall*."""
    return Instant(wall=wall + timedelta(seconds=monotonic), monotonic=monotonic, trusted=trusted)


def setup(
    *,
    connectors: int = 1,
    pilot: bool = True,
    lock: bool = False,
    policy: Policy | None = None,
    readers: tuple[tuple[int, ...], ...] = (),
    kernel_boot: str = "kernel-1",
    nonce: str = "a" * 24,
    refresh_s: float = 0.0,
    phases: int = 1,
    relay: bool = False,
    keys: Mapping[str, str] | None = None,
) -> Setup:
    """A station of *connectors* equal charging points."""
    traits = EvseTraits(
        has_pilot=pilot,
        has_lock=lock,
        phases=phases,
        meter_refresh_s=refresh_s,
        switches_phases=relay,
    )
    return Setup(
        identity=IDENTITY,
        traits=(traits,) * connectors,
        nonce=nonce,
        kernel_boot=kernel_boot,
        readers=readers,
        defaults=dict(keys or {}),
        policy=policy or Policy(),
    )


class Bench:
    """One charge point and its hardware."""

    def __init__(
        self,
        made: Setup | None = None,
        *,
        saved: Saved | None = None,
        now: float = 100.0,
        serve: bool = False,
        trusted: bool = True,
    ) -> None:
        self.setup = made or setup()
        self.now = now
        self.wall = NOON
        self.trusted = trusted
        self.serve = serve
        self.state: ChargePoint = restore(saved or Saved(), self.setup, self.instant)
        count = len(self.setup.traits)
        has_pilot = self.setup.traits[0].has_pilot
        self.sockets = [
            Socket(
                pilot=Pilot.A if has_pilot else Pilot.NONE,
                locked=False if traits.has_lock else None,
                phases=1 if traits.switches_phases else None,
            )
            for traits in self.setup.traits
        ]
        assert len(self.sockets) == count
        self.log: list[Effect] = []
        self.last: list[Effect] = []
        self.sent: list[Send | Ask] = []
        self.journal: list[Queued] = list(saved.outbox) if saved else []
        self.dead: list[Queued] = []
        self.next_transaction = 4711
        self.tag_info: dict[str, IdTagInfo] = {}
        self.calls = 0
        self.disk_full: str | None = None
        self._inbox: deque[Callable[[], Event]] = deque()

    # ── time ──

    @property
    def instant(self) -> Instant:
        """Now, on both clocks."""
        return at(self.now, wall=self.wall, trusted=self.trusted)

    def tick_to(self, until: float) -> None:
        """Let time pass to *until*; the core is called exactly when it asked to be."""
        for _ in range(10_000):
            due = next_deadline(self.state)
            if due is None or due > until:
                break
            assert due > self.state.at
            self.now = due
            self.step(Ticked(at=self.instant))
        else:
            raise AssertionError(f"too many deadlines before {until}")
        self.now = max(self.now, until)

    def wait(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.tick_to(self.now + seconds)

    # ── stepping ──

    def step(self, event: Event) -> list[Effect]:
        """Step *event* and whatever the hardware and the central system make of it."""
        self.last = []
        self._take(event)
        while self._inbox:
            self._take(self._inbox.popleft()())
        return self.last

    def _take(self, event: Event) -> None:
        self.state, effects = step(self.state, event)
        self.log.extend(effects)
        self.last.extend(effects)
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Write(record=record):
                self._record(record)
            case Store(ticket=ticket, record=record):
                if self.disk_full is None:
                    self._record(record)
                failure = self.disk_full
                self._inbox.append(lambda: Stored(at=self.instant, ticket=ticket, failure=failure))
            case Send() | Ask():
                self.sent.append(effect)
                if self.serve:
                    self._inbox.append(lambda: self.kind_answer(effect))
            case ReadOutbox(ticket=ticket, after_seq=after_seq, limit=limit):
                messages = tuple(row for row in self.journal if row.seq > after_seq)[:limit]
                self._inbox.append(
                    lambda: OutboxRead(at=self.instant, ticket=ticket, messages=messages)
                )
            case _:
                self._move(effect)

    def _move(self, effect: Effect) -> None:
        match effect:
            case Energise(connector=connector):
                self._change(connector, closed=True)
            case Cut(connector=connector):
                self._change(connector, closed=False)
            case Raise(connector=connector) if self.socket(connector).eager:
                self._car(connector, Pilot.C)
            case Reduce(connector=connector, limit_a=0.0):
                if not self.socket(connector).stubborn:
                    self._car(connector, Pilot.B)
            case SetLock(connector=connector, locked=locked):
                if not self.socket(connector).jammed:
                    self._change(connector, locked=locked)
            case SwitchPhases(connector=connector, phases=phases):
                if not self.socket(connector).stuck:
                    self._change(connector, phases=phases)
            case ReadMeter(connector=connector) if self.socket(connector).mute:
                pass
            case ReadMeter(ticket=ticket, connector=connector):
                self._inbox.append(lambda: self._reading(connector, ticket))
            case _:
                pass

    def _record(self, record: Record) -> None:
        match record:
            case Queued():
                self.journal.append(record)
            case Delivered(seq=seq) | Parked(seq=seq):
                gone = [row for row in self.journal if row.seq == seq]
                self.dead += gone if isinstance(record, Parked) else []
                self.journal = [row for row in self.journal if row.seq != seq]
            case Thinned(seqs=seqs):
                self.journal = [row for row in self.journal if row.seq not in seqs]
            case Resent(seq=seq, message_id=message_id):
                (letter,) = (row for row in self.dead if row.seq == seq)
                self.dead.remove(letter)
                self.journal.append(replace(letter, message_id=message_id, attempts=0))
                self.journal.sort(key=lambda row: row.seq)
            case Refused(seq=seq, attempts=attempts, message_id=message_id):
                self.journal = [
                    replace(row, attempts=attempts, message_id=message_id)
                    if row.seq == seq
                    else row
                    for row in self.journal
                ]
            case _:
                pass

    # ── hardware ──

    def socket(self, connector: int = 1) -> Socket:
        """The hardware of *connector*."""
        return self.sockets[connector - 1]

    def _change(self, connector: int, **changes: Any) -> None:
        socket = self.socket(connector)
        if socket.deaf and "closed" in changes:
            return
        for name, value in changes.items():
            setattr(socket, name, value)
        self._inbox.append(lambda: self.inputs(connector))

    def _car(self, connector: int, pilot: Pilot) -> None:
        """What the car does about the offer, if there is a car and a pilot."""
        if self.setup.traits[connector - 1].has_pilot and self.socket(connector).plugged:
            self._change(connector, pilot=pilot)

    def inputs(self, connector: int = 1) -> EvseSeen:
        """What the inputs of *connector* show."""
        socket = self.socket(connector)
        return EvseSeen(
            at=self.instant,
            connector=connector,
            plugged=socket.plugged,
            pilot=socket.pilot,
            contactor_closed=socket.closed,
            locked=socket.locked,
            tripped=socket.tripped,
            rcd_pulsed=socket.pulsed,
            phases=socket.phases,
        )

    def see(self, connector: int = 1, **changes: Any) -> list[Effect]:
        """Change inputs of *connector* and show them."""
        for name, value in changes.items():
            setattr(self.socket(connector), name, value)
        return self.step(self.inputs(connector))

    def plug(self, connector: int = 1) -> list[Effect]:
        """Cable in, at both ends."""
        has_pilot = self.setup.traits[connector - 1].has_pilot
        return self.see(connector, plugged=True, pilot=Pilot.B if has_pilot else Pilot.NONE)

    def unplug(self, connector: int = 1) -> list[Effect]:
        """Cable out, at both ends."""
        has_pilot = self.setup.traits[connector - 1].has_pilot
        return self.see(connector, plugged=False, pilot=Pilot.A if has_pilot else Pilot.NONE)

    def trip(self, *trips: Trip, connector: int = 1) -> list[Effect]:
        """The reflex opened the coil by itself; no trips: all is well again."""
        closed = self.socket(connector).closed and not trips
        return self.see(connector, tripped=frozenset(trips), closed=closed)

    def _reading(self, connector: int, ticket: int | None) -> MeterRead | MeterFailed:
        if not self.socket(connector).meter_works:
            return MeterFailed(
                at=self.instant, connector=connector, why="meter silent", ticket=ticket
            )
        return MeterRead(
            at=self.instant, connector=connector, reading=self.reading(connector), ticket=ticket
        )

    def reading(self, connector: int = 1) -> Reading:
        """What the meter of *connector* shows."""
        socket = self.socket(connector)
        current_a = socket.current_a if socket.closed else socket.leak_a
        live = None if socket.blind else socket.phases
        each_a = (current_a,) if live is None else (current_a,) * live + (0.0,) * (3 - live)
        return Reading(
            at=self.instant,
            energy_wh=socket.energy_wh,
            power_w=current_a * 230.0,
            voltage_v=socket.voltage_v,
            current_a=each_a,
            meter_serial=socket.meter_serial,
        )

    def meter(
        self, connector: int = 1, energy_wh: int | None = None, current_a: float | None = None
    ) -> list[Effect]:
        """A reading of the poll."""
        socket = self.socket(connector)
        socket.energy_wh = socket.energy_wh if energy_wh is None else energy_wh
        socket.current_a = socket.current_a if current_a is None else current_a
        return self.step(self._reading(connector, None))

    def tap(self, id_tag: str = ALICE, reader: int = 0) -> list[Effect]:
        """A card on the reader."""
        return self.step(TagPresented(at=self.instant, id_tag=id_tag, reader=reader))

    # ── looking ──

    def bay(self, connector: int = 1) -> Bay:
        """The bay of *connector*."""
        return self.state.bay(connector)

    def phase(self, connector: int = 1) -> Phase:
        """The phase of *connector*."""
        return self.bay(connector).connector.phase

    def written(self, kind: type[T]) -> list[T]:
        """Every record of *kind* so far."""
        records = [one.record for one in self.log if isinstance(one, Write | Store)]
        return [one for one in records if isinstance(one, kind)]

    def messages(self, kind: type[T]) -> list[T]:
        """Every message of *kind* sent so far, resends included."""
        return [one.message for one in self.sendings(kind) if isinstance(one.message, kind)]

    def sendings(self, kind: type) -> list[Send | Ask]:
        """Every sending of a message of *kind* so far."""
        sendings = [one for one in self.log if isinstance(one, Send | Ask)]
        return [one for one in sendings if isinstance(one.message, kind)]

    def told(self, connector: int = 1) -> list[ConnectorStatus]:
        """The statuses that the central system was told of *connector*."""
        notices = self.messages(StatusNotification)
        return [one.status for one in notices if one.connector_id == connector]

    def kind_answer(self, sending: Send | Ask) -> Event:
        """What a central system that serves says to *sending*."""
        raise NotImplementedError


def of(kind: type[T], effects: Iterable[object]) -> list[T]:
    """Those of *kind* among *effects*, in order."""
    return [one for one in effects if isinstance(one, kind)]

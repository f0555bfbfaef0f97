"""A rig that holds every step against what must hold for all of them."""

from __future__ import annotations

from math import inf
from typing import Any

from edge.core import holds
from edge.core.bay import Phase
from edge.core.commands import (
    Command,
)
from edge.core.deadlines import next_deadline
from edge.core.effects import (
    BEATS,
    Effect,
    Energise,
    FireTestCoil,
    Raise,
    Refuse,
    Reply,
    Restart,
    SwitchPhases,
    Write,
)
from edge.core.events import (
    Event,
    Pilot,
)
from edge.core.records import Queued, ReservationEnded, TransactionOpened, TransactionStopped
from edge.core.state import ChargePoint
from edge.core.step import step
from tests.core.bench import of
from tests.core.build import Rig


class Witness(Rig):
    """A rig that checks what every single step must keep."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.open: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        self.owed: dict[int, float] = {}
        self.seqs: list[int] = []
        self.restarted = False
        self.moved: dict[int, float] = {}

    def _take(self, event: Event) -> None:
        before = self.state
        first, second = step(before, event), step(before, event)
        assert first == second, "the same input gives the same answer"
        self._check(event, *first)
        super()._take(event)

    def _check(self, event: Event, after: ChargePoint, effects: tuple[Effect, ...]) -> None:
        beats = [BEATS[type(effect)] for effect in effects]
        assert beats == sorted(beats), "off first, on last, told at the end"
        due = next_deadline(after)
        assert due is None or due > after.at, "what was due has been done"
        for write in of(Write, effects):
            self._witness(write.record)
        for switch in of(SwitchPhases, effects):
            self._check_switched(after, switch)
        for order in of(Energise, effects):
            moved_at = self.moved.get(order.connector, -inf)
            assert self.now >= moved_at + after.setup.policy.phase_pause_s, "the relay has rested"
            bay = after.bay(order.connector)
            assert bay.transaction is not None, "energy needs a transaction"
            assert order.connector in self.open, "which was written, in this step or before"
            assert bay.connector.phase is Phase.CHARGING
            assert bay.seen.plugged
            assert bay.seen.pilot in (Pilot.C, Pilot.D)
            assert not bay.seen.tripped
            assert bay.rcd_test.running is None, "nobody starts during a self-test"
        for fired in of(FireTestCoil, effects):
            bay = after.bay(fired.connector)
            assert bay.transaction is None, "a pulse is for an empty socket"
            assert not bay.seen.contactor_closed
            assert not bay.contactor.ordered
        for offer in of(Raise, effects):
            assert offer.connector in self.open
        for reply in [one for one in effects if isinstance(one, Reply | Refuse)]:
            assert self.owed.pop(reply.call_id, None) is not None, "one reply per call"
        assert len(of(Restart, effects)) <= (0 if self.restarted else 1)
        self.restarted = self.restarted or bool(of(Restart, effects))
        assert all(self.now - since <= 10.0 for since in self.owed.values()), "in ten seconds"

    def _check_switched(self, after: ChargePoint, switch: SwitchPhases) -> None:
        """Safety 23: nothing flows, nothing can, and the meter has said so since."""
        bay = after.bay(switch.connector)
        assert not self.socket(switch.connector).closed
        assert not bay.contactor.ordered
        assert not bay.seen.contactor_closed
        last = bay.metering.last
        assert last is not None
        assert len(last.current_a) == 3
        assert max(last.current_a) < 0.5
        assert last.at.monotonic >= (bay.contactor.opened_at or 0.0)
        assert self.now - last.at.monotonic < 5.0
        assert switch.phases != bay.seen.phases
        self.moved[switch.connector] = self.now

    def _check_reserved(self, record: TransactionOpened) -> None:
        """5.13: who starts on a reserved connector is who it is reserved for, and says so."""
        for one in self.state.station.reservations:
            if one.connector == record.connector and one.until > self.now:
                assert holds.belongs(one, record.id_tag, record.parent_id_tag)
                assert record.reservation_id == one.reservation_id

    def _witness(self, record: object) -> None:
        match record:
            case TransactionOpened(connector=connector, begin_wh=begin_wh):
                self._check_reserved(record)
                assert connector not in self.open, "one transaction at a time"
                assert begin_wh >= self.ends.get(connector, 0), "registers telescope"
                self.open[connector] = begin_wh
            case ReservationEnded(reservation_id=number):
                assert number in {one.reservation_id for one in self.state.station.reservations}
            case TransactionStopped(ref=ref, end_wh=end_wh):
                connector = next(
                    number
                    for number in self.state.connectors
                    if (found := self.state.bay(number).transaction) and found.ref == ref
                )
                assert end_wh >= self.open.pop(connector), "the register never goes back"
                self.ends[connector] = end_wh
            case Queued(seq=seq):
                assert seq == (self.seqs[-1] if self.seqs else 0) + 1
                self.seqs.append(seq)
            case _:
                pass

    def call(self, command: Command) -> Any:
        self.owed[self.calls + 1] = self.now
        return super().call(command)

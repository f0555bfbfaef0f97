"""The phases of a session: plug, card, charge, stop, unplug, and every way out."""

from __future__ import annotations

from typing import get_args

from edge.core import connector
from edge.core.bay import Phase
from edge.core.commands import RemoteStartTransaction, RemoteStopTransaction
from edge.core.connector import TABLE
from edge.core.effects import Cut, Energise, Raise, ReadMeter, Send, SetLock, Write
from edge.core.events import MeterRead, Pilot, Settled, Trip
from edge.core.facts import Fact
from edge.core.messages import (
    Authorize,
    NoAnswer,
    StartTransaction,
    StatusNotification,
    StopTransaction,
)
from edge.core.records import Queued, TransactionOpened, TransactionStopped
from edge.core.routes import FACTS
from edge.core.vocabulary import ConnectorStatus, ErrorCode, StopReason
from tests.core.bench import ALICE, of, setup
from tests.core.build import Rig

PREPARING = ConnectorStatus.PREPARING
CHARGING = ConnectorStatus.CHARGING
FINISHING = ConnectorStatus.FINISHING
AVAILABLE = ConnectorStatus.AVAILABLE
SUSPENDED_EV = ConnectorStatus.SUSPENDED_EV


def stops(rig: Rig) -> list[StopTransaction]:
    return rig.messages(StopTransaction)


def test_every_phase_knows_what_each_of_its_facts_means() -> None:
    """Architecture 9: the table is complete, and each gap names its reason."""
    taken = {fact for fact in get_args(Fact) if connector.on_fact in FACTS[fact]}
    assert set(TABLE) == set(Phase)
    for row in TABLE.values():
        assert set(row) == taken
        assert all(callable(act) or act for act in row.values())


def test_plug_then_card_charges_and_the_same_card_stops() -> None:
    """TC_003: Preparing, Authorize, StartTransaction, Charging; Local, Finishing, Available."""
    rig = Rig().online()
    rig.plug()
    assert rig.told() == [PREPARING]
    rig.tap()
    assert rig.messages(Authorize) == [Authorize(id_tag=ALICE)]
    rig.answer(Authorize)
    start = rig.messages(StartTransaction)[0]
    assert (start.connector_id, start.id_tag, start.meter_start) == (1, ALICE, 1000)
    assert rig.told() == [PREPARING, SUSPENDED_EV, CHARGING]
    rig.answer_all()
    rig.wait(30)
    rig.socket().energy_wh = 1250
    rig.tap()
    rig.answer_all()
    assert rig.told()[-1] is FINISHING
    stop = stops(rig)[0]
    assert (stop.reason, stop.meter_stop, stop.id_tag) == (StopReason.LOCAL, 1250, ALICE)
    assert stop.transaction_id == 4711
    rig.unplug()
    assert rig.told()[-1] is AVAILABLE
    assert len(rig.messages(Authorize)) == 1


def test_card_then_plug_charges_once() -> None:
    """TC_004_1: one transaction, however many inputs come together."""
    rig = Rig(serve=True).online()
    rig.tap()
    assert rig.told() == [PREPARING]
    rig.plug()
    assert len(rig.messages(StartTransaction)) == 1
    assert len(rig.written(TransactionOpened)) == 1
    assert rig.told()[-1] is CHARGING


def test_card_without_a_plug_gives_up_after_the_connection_time_out() -> None:
    """TC_004_2: Available again, authorisation dropped."""
    rig = Rig(setup(keys={"ConnectionTimeOut": "20"}), serve=True).online()
    rig.tap()
    rig.wait(19.9)
    assert rig.told() == [PREPARING]
    rig.wait(0.1)
    assert rig.told() == [PREPARING, AVAILABLE]
    rig.plug()
    assert not rig.messages(StartTransaction)


def test_plug_without_a_card_is_finishing_after_the_connection_time_out() -> None:
    """Ruling 10, errata 3.20: a forgotten cable is nobody's."""
    rig = Rig(setup(keys={"ConnectionTimeOut": "20"}), serve=True).online()
    rig.plug()
    rig.wait(20)
    assert rig.told() == [PREPARING, FINISHING]
    rig.unplug()
    assert rig.told()[-1] is AVAILABLE


def test_an_unplugged_start_leaves_preparing() -> None:
    """Plug in and out again: nothing began."""
    rig = Rig(serve=True).online()
    rig.plug()
    rig.unplug()
    assert rig.told() == [PREPARING, AVAILABLE]


def test_unplugging_at_the_car_ends_the_transaction() -> None:
    """TC_005_1: EVDisconnected, Finishing, Available when the cable leaves us."""
    rig = Rig(serve=True).online().charging()
    effects = rig.see(pilot=Pilot.A)
    assert of(Cut, effects)
    assert stops(rig)[0].reason is StopReason.EV_DISCONNECTED
    assert rig.told()[-1] is FINISHING
    rig.unplug()
    assert rig.told()[-1] is AVAILABLE


def test_safety_11_the_lock_shuts_before_energy_and_opens_after_the_contactor() -> None:
    """Ruling 14, safety 11: order asserted."""
    rig = Rig(setup(lock=True), serve=True).online().charging()
    order = [one for one in rig.log if isinstance(one, SetLock | Energise)]
    assert order == [SetLock(connector=1, locked=True), Energise(connector=1)]
    rig.wait(20)
    rig.log.clear()
    rig.tap()
    order2 = [type(one) for one in rig.log if isinstance(one, SetLock | Cut)]
    assert order2 == [Cut, SetLock]


def test_a_lock_that_does_not_shut_is_a_fault_and_nothing_begins() -> None:
    """TC_024: Faulted with ConnectorLockFailure, no StartTransaction; Available after removal."""
    rig = Rig(setup(lock=True), serve=True).online()
    rig.socket().jammed = True
    rig.plug()
    rig.tap()
    rig.wait(4)
    last = rig.messages(StatusNotification)[-1]
    assert (last.status, last.error_code) == (
        ConnectorStatus.FAULTED,
        ErrorCode.CONNECTOR_LOCK_FAILURE,
    )
    assert not rig.messages(StartTransaction)
    rig.unplug()
    assert rig.told()[-1] is AVAILABLE


def test_without_a_begin_register_nothing_is_sold() -> None:
    """Ruling 12: the meter is silent, so nothing is recorded."""
    rig = Rig(serve=True).online()
    rig.wait(6)  # the last reading is too old to begin with
    rig.socket().meter_works = False
    rig.plug()
    rig.tap()
    assert rig.phase() is Phase.PREPARING
    assert not rig.written(TransactionOpened)
    assert not of(Energise, rig.log)


def test_a_fresh_reading_is_the_begin_register() -> None:
    """Ruling 12: contactor open and at most 5 s old."""
    rig = Rig(serve=True).online()
    rig.meter(energy_wh=2000)
    rig.wait(4)
    rig.socket().meter_works = False
    rig.plug()
    rig.tap()
    assert rig.messages(StartTransaction)[0].meter_start == 2000


def test_an_old_reading_is_not() -> None:
    """Ruling 12: the meter is asked, and its answer is the begin."""
    rig = Rig(serve=True).online()
    rig.meter(energy_wh=2000)
    rig.wait(6)
    rig.socket().energy_wh = 2001
    rig.plug()
    rig.tap()
    assert rig.messages(StartTransaction)[0].meter_start == 2001


def test_energy_waits_for_the_record() -> None:
    """I1: the record is in the step that closes the contactor, or before it."""
    rig = Rig(serve=True).online()
    rig.plug()
    rig.tap()
    kinds = [type(one.record) if isinstance(one, Write) else type(one) for one in rig.log]
    assert kinds.index(TransactionOpened) < kinds.index(Raise) < kinds.index(Energise)
    assert kinds.index(Queued) < kinds.index(Energise)


def test_safety_03_the_contactor_closes_only_when_the_car_asks() -> None:
    """Safety 3, ruling 13: until C the transaction runs as SuspendedEV."""
    rig = Rig(serve=True).online()
    rig.socket().eager = False
    rig.plug()
    rig.tap()
    assert rig.told()[-1] is SUSPENDED_EV
    assert not of(Energise, rig.log)
    rig.see(pilot=Pilot.C)
    assert of(Energise, rig.last)
    assert rig.told()[-1] is CHARGING


def test_a_meter_that_dies_after_its_last_sample_is_billed_by_its_last_reading() -> None:
    """I6: a minute at 7.4 kW between two samples is 120 Wh, and every second of it was read."""
    rig = Rig(serve=True).online().charging()
    rig.wait(61)
    rig.meter(energy_wh=1120)
    rig.socket().meter_works = False
    rig.call(RemoteStopTransaction(transaction_id=4711))
    assert rig.written(TransactionStopped)[0].estimated
    assert stops(rig)[0].meter_stop == 1120


def test_a_fault_while_opening_begins_nothing() -> None:
    """TC_041: the driver is sent back to the start."""
    rig = Rig(setup(lock=True), serve=True).online()
    rig.socket().jammed = True
    rig.plug()
    rig.tap()
    assert rig.phase() is Phase.OPENING
    rig.trip(Trip.RCD)
    assert rig.phase() is Phase.PREPARING
    assert not rig.written(TransactionOpened)


def test_unplugging_while_opening_begins_nothing() -> None:
    """The lock was not shut yet."""
    rig = Rig(setup(lock=True), serve=True).online()
    rig.socket().jammed = True
    rig.plug()
    rig.tap()
    rig.unplug()
    assert rig.phase() is Phase.IDLE


def test_a_begin_register_that_never_comes_begins_nothing() -> None:
    """Ruling 12: two seconds are all it gets."""
    rig = Rig(serve=True).online()
    rig.wait(6)
    rig.socket().mute = True
    rig.plug()
    rig.tap()
    assert rig.phase() is Phase.OPENING
    rig.wait(2)
    assert rig.phase() is Phase.PREPARING
    assert not rig.written(TransactionOpened)


def test_a_begin_register_that_comes_too_late_changes_nothing() -> None:
    """The driver has left meanwhile."""
    rig = Rig(serve=True).online()
    rig.wait(6)
    rig.socket().mute = True
    rig.plug()
    rig.tap()
    rig.unplug()
    assert rig.phase() is Phase.IDLE
    ticket = of(ReadMeter, rig.log)[-1].ticket
    rig.step(MeterRead(at=rig.instant, connector=1, reading=rig.reading(), ticket=ticket))
    assert rig.phase() is Phase.IDLE
    assert not rig.written(TransactionOpened)


def test_a_begin_register_is_asked_once() -> None:
    """One read is on its way, however often a start is tried."""
    rig = Rig(serve=True).online()
    rig.wait(6)
    rig.socket().mute = True
    rig.plug()
    for _ in range(3):
        rig.call(RemoteStartTransaction(id_tag=ALICE, connector_id=1))
        rig.trip(Trip.OVER_TEMPERATURE)
        rig.trip()
    assert len(of(ReadMeter, rig.log)) == 1


def test_a_contactor_that_is_still_closed_lets_nothing_begin() -> None:
    """Ruling 12: a begin register is only final with the contactor open."""
    rig = Rig(serve=True).online()
    rig.see(closed=True)
    rig.plug()
    rig.tap()
    rig.wait(5)
    assert not rig.written(TransactionOpened)
    assert rig.phase() is Phase.PREPARING


def test_safety_17_a_lost_line_does_not_end_a_session() -> None:
    """Safety 17."""
    rig = Rig(serve=True).online().charging()
    rig.link_down()
    rig.wait(3600)
    assert rig.phase() is Phase.CHARGING
    assert not of(Cut, rig.log)


def test_a_settled_ticket_settles_once() -> None:
    """An answer nobody waits for is counted and dropped."""
    rig = Rig().online()
    rig.step(Settled(at=rig.instant, ticket=12345, answer=NoAnswer(timed_out=True)))
    assert rig.state.late_answers == 1
    assert not of(Send, rig.last)

"""How a session ends: the offer, the load, the contactor, the register."""

from __future__ import annotations

import pytest

from edge.core.bay import Phase
from edge.core.commands import RemoteStopTransaction, UnlockConnector
from edge.core.effects import Cut, Reduce
from edge.core.events import Pilot, Trip
from edge.core.messages import (
    StartTransaction,
    StopTransaction,
)
from edge.core.records import TransactionStopped, TransactionStopping
from edge.core.vocabulary import ConnectorStatus, StopReason
from tests.core.bench import ALICE, BOB, of, setup
from tests.core.build import Rig

PREPARING = ConnectorStatus.PREPARING
CHARGING = ConnectorStatus.CHARGING
FINISHING = ConnectorStatus.FINISHING
AVAILABLE = ConnectorStatus.AVAILABLE
SUSPENDED_EV = ConnectorStatus.SUSPENDED_EV


def stops(rig: Rig) -> list[StopTransaction]:
    return rig.messages(StopTransaction)


def test_safety_04_pulling_the_plug_while_charging_cuts_at_once() -> None:
    """Safety 4: the car is gone, nothing is waited for."""
    rig = Rig(serve=True).online().charging()
    effects = rig.unplug()
    assert isinstance(effects[0], Cut | Reduce)
    assert of(Cut, effects)
    assert stops(rig)[0].reason is StopReason.EV_DISCONNECTED
    assert rig.told()[-1] is AVAILABLE


@pytest.mark.parametrize(("flag", "freed"), [("true", True), ("false", False)])
def test_the_cable_is_freed_by_the_car_only_if_the_owner_says_so(flag: str, freed: bool) -> None:
    """TC_005_1, TC_005_2: UnlockConnectorOnEVSideDisconnect."""
    keys = {"UnlockConnectorOnEVSideDisconnect": flag}
    rig = Rig(setup(lock=True, keys=keys), serve=True).online().charging()
    rig.see(pilot=Pilot.A)
    assert rig.phase() is Phase.FINISHING
    assert rig.socket().locked is not freed
    assert rig.call(UnlockConnector(connector_id=1)) is not None or not freed
    assert rig.socket().locked is False


def test_safety_05_a_normal_stop_lets_the_car_ramp_down() -> None:
    """Ruling 2: offer off first; six seconds is as long as we wait."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    effects_before = len(rig.log)
    rig.call(RemoteStopTransaction(transaction_id=4711))
    story = rig.log[effects_before:]
    assert isinstance(story[0], Reduce)
    assert not of(Cut, story)
    assert [one.reason for one in rig.written(TransactionStopping)] == [StopReason.REMOTE]
    rig.wait(5.9)
    assert not of(Cut, rig.log)
    rig.wait(0.1)
    assert of(Cut, rig.log)
    assert stops(rig)[0].reason is StopReason.REMOTE


def test_a_stop_is_stamped_when_it_was_asked_and_metered_after_the_contactor() -> None:
    """Ruling 2: the end register is read once nothing flows any more."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    asked_at = rig.instant.wall
    rig.call(RemoteStopTransaction(transaction_id=4711))
    rig.wait(3)
    rig.socket().energy_wh = 1042
    rig.see(pilot=Pilot.B)
    stop = stops(rig)[0]
    assert (stop.meter_stop, stop.timestamp.wall) == (1042, asked_at)


def test_the_end_register_waits_for_the_meter_to_publish_it() -> None:
    """Ruling 2: not earlier than the meter's refresh time."""
    rig = Rig(setup(refresh_s=1.5), serve=True).online().charging()
    rig.call(RemoteStopTransaction(transaction_id=4711))
    rig.wait(1)
    rig.see()
    rig.wait(0.4)
    assert not stops(rig)
    rig.wait(0.2)
    assert stops(rig)


def test_a_silent_meter_ends_with_the_last_register_known() -> None:
    """Architecture 8c: flagged estimated."""
    rig = Rig(serve=True).online().charging()
    rig.meter(energy_wh=1100)
    rig.wait(61)  # the sample of each minute has been written
    rig.socket().meter_works = False
    rig.call(RemoteStopTransaction(transaction_id=4711))
    assert rig.written(TransactionStopped)[0].estimated
    assert stops(rig)[0].meter_stop == 1100


@pytest.mark.parametrize("register_wh", [5, 9_000_000])
@pytest.mark.parametrize("serial", ["2", None])
def test_a_session_is_never_billed_by_another_meters_register(
    register_wh: int, serial: str | None
) -> None:
    """A meter changed in the middle: the end is the last register of the session's own."""
    rig = Rig(serve=True).online()
    rig.socket().meter_serial = "1"
    rig.charging()
    rig.meter(energy_wh=1100)
    rig.socket().meter_serial = serial
    rig.meter(energy_wh=register_wh)
    assert rig.bay().metering.failed is not None
    rig.call(RemoteStopTransaction(transaction_id=4711))
    assert rig.written(TransactionStopped)[0].estimated
    assert stops(rig)[0].meter_stop == 1100
    rig.meter(energy_wh=register_wh)  # the next session begins with the new one
    last = rig.bay().metering.last
    assert last is not None
    assert (last.energy_wh, rig.bay().metering.failed) == (register_wh, None)


def test_a_meter_that_never_answers_does_not_hold_the_stop() -> None:
    """Two seconds, then the last register."""
    rig = Rig(serve=True).online().charging()
    rig.socket().mute = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    rig.wait(1.9)
    assert not stops(rig)
    rig.wait(0.1)
    assert stops(rig)[0].meter_stop == 1000
    assert rig.written(TransactionStopped)[0].estimated


def test_a_stop_of_a_paused_car_needs_no_waiting() -> None:
    """The contactor is open already."""
    rig = Rig(serve=True).online().charging()
    rig.see(pilot=Pilot.B)
    assert rig.told()[-1] is SUSPENDED_EV
    rig.wait(20)
    rig.tap()
    assert stops(rig)[0].reason is StopReason.LOCAL


def test_a_card_in_finishing_gives_no_second_stop() -> None:
    """Checklist 2; ruling 11(7): after the dead time it is a new start."""
    rig = Rig(serve=True).online().charging()
    rig.wait(20)
    rig.tap()
    rig.tap()
    assert len(stops(rig)) == 1
    assert rig.phase() is Phase.FINISHING
    rig.wait(6)
    rig.tap()
    assert len(stops(rig)) == 1
    assert rig.phase() is Phase.CHARGING
    assert PREPARING in rig.told()[4:] or rig.told()[-1] is CHARGING


def test_an_emergency_while_stopping_breaks_the_load() -> None:
    """Ruling 17: danger does not wait for the ramp."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    assert rig.phase() is Phase.STOPPING
    rig.trip(Trip.EMERGENCY_STOP)
    assert of(Cut, rig.last)
    assert stops(rig)[0].reason is StopReason.REMOTE


def test_pulling_the_plug_while_stopping_cuts() -> None:
    """Nobody is there to ramp down."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    rig.unplug()
    assert of(Cut, rig.last)
    assert rig.told()[-1] is AVAILABLE


def test_safety_10_a_contactor_that_never_opens_does_not_hold_the_bill() -> None:
    """Safety 10: no hammering; the session is closed by the register after the grace."""
    rig = Rig(serve=True).online().charging()
    rig.socket().deaf = True
    rig.wait(20)
    rig.tap()
    rig.wait(10)
    assert len(stops(rig)) == 1
    assert len(of(Cut, rig.log)) == 1


def test_two_connectors_run_two_sessions_and_each_card_stops_its_own() -> None:
    """Checklist 2: one reader, two connectors."""
    rig = Rig(setup(connectors=2), serve=True).online()
    rig.tap(ALICE)
    rig.plug(1)
    rig.tap(BOB)
    rig.plug(2)
    assert [one.id_tag for one in rig.messages(StartTransaction)] == [ALICE, BOB]
    rig.wait(20)
    rig.tap(BOB)
    assert [rig.phase(1), rig.phase(2)] == [Phase.CHARGING, Phase.FINISHING]
    rig.tap(ALICE)
    assert [(one.id_tag, one.transaction_id) for one in stops(rig)] == [(BOB, 4712), (ALICE, 4711)]

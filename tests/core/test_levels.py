"""Outputs as pure functions of the state."""

from __future__ import annotations

import pytest

from edge.core import levels
from edge.core.bay import Phase
from edge.core.commands import RemoteStartTransaction, RemoteStopTransaction
from edge.core.effects import Lamp
from edge.core.events import JournalHealed, JournalLost, Pilot, Trip
from edge.core.records import TransactionOpened
from tests.core.bench import BAD, setup
from tests.core.build import Rig


def lamp(rig: Rig) -> Lamp:
    return levels.lamp(rig.state, 1)


def test_before_anything_is_known_the_lamp_is_off() -> None:
    """Nothing is promised before the first step."""
    assert lamp(Rig()) is Lamp.OFF


def test_the_lamp_follows_the_session() -> None:
    """The driver sees where he is."""
    rig = Rig().online()
    assert lamp(rig) is Lamp.AVAILABLE
    rig.plug()
    assert lamp(rig) is Lamp.READY
    rig.tap()
    assert lamp(rig) is Lamp.WAITING
    rig.answer_all()
    assert lamp(rig) is Lamp.CHARGING
    rig.see(pilot=Pilot.B)
    assert lamp(rig) is Lamp.SUSPENDED
    rig.wait(20)
    rig.tap()
    assert lamp(rig) is Lamp.FINISHED
    rig.trip(Trip.RCD)
    assert lamp(rig) is Lamp.FAULTED


def test_the_lamp_says_no_and_then_what_is() -> None:
    """A refused card."""
    rig = Rig(serve=True).online()
    rig.tag_info["X"] = BAD
    rig.tap("X")
    assert lamp(rig) is Lamp.REFUSED
    rig.wait(3)
    assert lamp(rig) is Lamp.AVAILABLE


def test_while_it_stops_the_driver_is_asked_to_wait() -> None:
    """Ruling 11."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    assert lamp(rig) is Lamp.WAITING


def test_safety_03_a_connector_without_a_transaction_offers_nothing() -> None:
    """Safety 3."""
    rig = Rig().online()
    rig.see(plugged=True, pilot=Pilot.C)
    assert levels.limit_a(rig.state, 1, rig.now) == 0
    assert levels.withholds(rig.state, 1, rig.now)
    assert not levels.permits_energy(rig.state, 1)


def test_grace_needs_a_transaction_and_a_meter() -> None:
    """9.1.16: nothing measured, nothing granted."""
    rig = Rig().online()
    assert not levels.has_grace(rig.state, rig.bay())


def test_while_the_journal_fails_nobody_is_let_in() -> None:
    """Architecture 5: nothing can be promised; a running session goes on."""
    rig = Rig(setup(connectors=2), serve=True).online().charging(1)
    rig.step(JournalLost(at=rig.instant, kind="full"))
    rig.plug(2)
    rig.tap("DEADBEEF")
    assert [rig.phase(1), rig.phase(2)] == [Phase.CHARGING, Phase.PREPARING]
    assert len(rig.written(TransactionOpened)) == 1
    rig.step(JournalHealed(at=rig.instant))
    rig.tap("DEADBEEF")
    assert rig.phase(2) is Phase.CHARGING


def test_safety_01_before_the_inputs_are_known_nobody_is_let_in() -> None:
    """Safety 1: off until the state is known."""
    rig = Rig(serve=True)
    rig.link_up()
    assert rig.call(RemoteStartTransaction(id_tag="X", connector_id=1)).status == "Rejected"


@pytest.mark.parametrize("pilot", [Pilot.C, Pilot.D])
def test_safety_03_a_car_asks_by_c_or_d(pilot: Pilot) -> None:
    """Safety 3."""
    rig = Rig().online()
    rig.see(plugged=True, pilot=pilot)
    assert levels.asks(rig.state, 1)


def test_there_is_no_bay_zero() -> None:
    """Connector 0 is the station."""
    with pytest.raises(IndexError):
        Rig().state.bay(0)

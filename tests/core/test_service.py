"""In and out of service."""

from __future__ import annotations

import pytest

from edge.core.commands import ChangeAvailability, RemoteStopTransaction
from edge.core.events import Pilot, Trip
from edge.core.messages import StatusNotification
from edge.core.records import AvailabilityChanged
from edge.core.saved import Saved
from edge.core.vocabulary import AvailabilityType, ConnectorStatus
from tests.core.bench import setup
from tests.core.build import Rig

OPERATIVE, INOPERATIVE = AvailabilityType.OPERATIVE, AvailabilityType.INOPERATIVE
UNAVAILABLE, AVAILABLE = ConnectorStatus.UNAVAILABLE, ConnectorStatus.AVAILABLE


def change(rig: Rig, connector: int, wanted: AvailabilityType) -> str:
    status: str = rig.call(ChangeAvailability(connector_id=connector, type=wanted)).status
    return status


def test_a_free_connector_goes_out_of_service_and_back() -> None:
    """TC_013, first half."""
    rig = Rig(serve=True).online()
    assert change(rig, 1, INOPERATIVE) == "Accepted"
    assert change(rig, 1, OPERATIVE) == "Accepted"
    assert rig.told() == [UNAVAILABLE, AVAILABLE]


def test_it_is_still_out_of_service_after_a_restart() -> None:
    """TC_013, TC_034: Unavailable is persisted; the rest is Available."""
    rig = Rig(setup(connectors=2), serve=True).online()
    change(rig, 1, INOPERATIVE)
    saved = Saved(availability=tuple(rig.written(AvailabilityChanged)))
    again = Rig(setup(connectors=2), saved=saved, serve=True).start()
    again.link_up()
    statuses = {one.connector_id: one.status for one in again.messages(StatusNotification)}
    assert statuses == {0: AVAILABLE, 1: UNAVAILABLE, 2: AVAILABLE}


def test_a_repeat_is_accepted_and_told_no_second_time() -> None:
    """Checklist 4."""
    rig = Rig(serve=True).online()
    change(rig, 1, INOPERATIVE)
    assert change(rig, 1, INOPERATIVE) == "Accepted"
    assert rig.told() == [UNAVAILABLE]
    assert len(rig.written(AvailabilityChanged)) == 1


def test_connector_zero_is_the_station_and_every_connector() -> None:
    """TC_034: both directions."""
    rig = Rig(setup(connectors=2), serve=True).online()
    assert change(rig, 0, INOPERATIVE) == "Accepted"
    assert [rig.told(number) for number in (0, 1, 2)] == [[UNAVAILABLE]] * 3
    assert change(rig, 0, OPERATIVE) == "Accepted"
    assert [rig.told(number) for number in (0, 1, 2)] == [[UNAVAILABLE, AVAILABLE]] * 3


def test_operative_on_zero_clears_what_was_set_singly() -> None:
    """Ruling 16."""
    rig = Rig(setup(connectors=2), serve=True).online()
    change(rig, 2, INOPERATIVE)
    change(rig, 0, OPERATIVE)
    assert rig.told(2) == [UNAVAILABLE, AVAILABLE]


def test_a_connector_may_serve_while_the_station_is_out_of_service() -> None:
    """Ruling 16, 4.9 note: the status of 0 has no direct connection with the connectors."""
    rig = Rig(setup(connectors=2), serve=True).online()
    change(rig, 0, INOPERATIVE)
    assert change(rig, 2, OPERATIVE) == "Accepted"
    assert [rig.told(number)[-1] for number in (0, 1, 2)] == [UNAVAILABLE, UNAVAILABLE, AVAILABLE]


def test_behind_a_car_it_is_scheduled_until_the_plug_is_out() -> None:
    """Checklist 4: EVDisconnected, then Unavailable."""
    rig = Rig(serve=True).online().charging()
    assert change(rig, 1, INOPERATIVE) == "Scheduled"
    assert change(rig, 1, INOPERATIVE) == "Scheduled"
    rig.unplug()
    assert rig.told()[-1] is UNAVAILABLE


def test_a_scheduled_connector_lets_nobody_in() -> None:
    """Ruling 16: no new authorisation."""
    rig = Rig(serve=True).online().charging()
    change(rig, 1, INOPERATIVE)
    rig.call(RemoteStopTransaction(transaction_id=4711))
    assert rig.told()[-1] is ConnectorStatus.FINISHING
    rig.wait(20)
    rig.tap()
    assert rig.told()[-1] is ConnectorStatus.FINISHING
    rig.unplug()
    assert rig.told()[-1] is UNAVAILABLE


@pytest.mark.parametrize("plugged", [True, False])
def test_preparing_is_scheduled_too(plugged: bool) -> None:
    """Ruling 16: Preparing by plug or by permit; table 4.9 has no B8."""
    rig = Rig(serve=True).online()
    if plugged:
        rig.plug()
    else:
        rig.tap()
    assert change(rig, 1, INOPERATIVE) == "Scheduled"
    assert rig.told()[-1] is ConnectorStatus.PREPARING


def test_the_opposite_request_drops_what_was_scheduled() -> None:
    """Ruling 16: Accepted, no StatusNotification."""
    rig = Rig(serve=True).online().charging()
    change(rig, 1, INOPERATIVE)
    told = rig.told()
    assert change(rig, 1, OPERATIVE) == "Accepted"
    assert rig.told() == told
    rig.unplug()
    assert rig.told()[-1] is AVAILABLE


def test_busy_connectors_make_the_whole_scheduled_and_free_ones_go_at_once() -> None:
    """Ruling 16: 0 and free connectors are Unavailable at once, the busy one later."""
    rig = Rig(setup(connectors=2), serve=True).online().charging(1)
    assert change(rig, 0, INOPERATIVE) == "Scheduled"
    assert rig.told(0) == [UNAVAILABLE]
    assert rig.told(2) == [UNAVAILABLE]
    assert rig.told(1)[-1] is ConnectorStatus.CHARGING
    rig.see(1, pilot=Pilot.A)
    assert rig.told(1)[-1] is ConnectorStatus.FINISHING
    rig.unplug(1)
    assert rig.told(1)[-1] is UNAVAILABLE


def test_a_plugged_connector_comes_back_into_service_at_once() -> None:
    """Ruling 16: Unavailable is Accepted, also with a cable in it."""
    rig = Rig(serve=True).online()
    change(rig, 1, INOPERATIVE)
    rig.plug()
    assert rig.told() == [UNAVAILABLE]
    assert change(rig, 1, OPERATIVE) == "Accepted"
    assert rig.told() == [UNAVAILABLE, ConnectorStatus.PREPARING]


def test_a_faulted_connector_changes_at_once_and_shows_it_when_it_is_well() -> None:
    """Ruling 16: Faulted stays Faulted, I8 later."""
    rig = Rig(serve=True).online()
    rig.plug()
    rig.trip(Trip.RCD)
    assert change(rig, 1, INOPERATIVE) == "Accepted"
    assert rig.told()[-1] is ConnectorStatus.FAULTED
    rig.trip()
    assert rig.told()[-1] is UNAVAILABLE


def test_an_unknown_connector_is_rejected() -> None:
    """Ruling 16."""
    assert change(Rig().online(), 2, INOPERATIVE) == "Rejected"


def test_a_card_begins_nothing_out_of_service() -> None:
    """Checklist 4."""
    rig = Rig(serve=True).online()
    change(rig, 1, INOPERATIVE)
    rig.plug()
    rig.tap()
    assert rig.told() == [UNAVAILABLE]


def test_a_permit_from_before_does_not_outlive_the_service() -> None:
    """A permit for any connector finds none in service any more."""
    rig = Rig(setup(connectors=2), serve=True).online()
    rig.tap()
    change(rig, 0, INOPERATIVE)
    rig.plug(1)
    assert rig.told(1) == [UNAVAILABLE]


def test_a_permit_on_a_scheduled_connector_starts_nothing() -> None:
    """Ruling 16: scheduled inoperative wins over a permit without a plug."""
    rig = Rig(serve=True).online()
    rig.tap()
    change(rig, 1, INOPERATIVE)
    rig.plug()
    assert rig.told()[-1] is ConnectorStatus.PREPARING
    rig.unplug()
    assert rig.told()[-1] is UNAVAILABLE

"""ReserveNow and CancelReservation: how a reservation is made, and how it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge.core.commands import (
    ChangeAvailability,
    Reset,
)
from edge.core.effects import Lamp
from edge.core.events import JournalLost, Trip
from edge.core.levels import lamp
from edge.core.messages import (
    StatusNotification,
)
from edge.core.records import ReservationMade
from edge.core.saved import Saved
from edge.core.vocabulary import (
    AvailabilityType,
    ResetType,
)
from tests.core.bench import ALICE, BOB
from tests.core.build import Rig
from tests.core.reserving import (
    AVAILABLE,
    FAULTED,
    RESERVED,
    UNAVAILABLE,
    UNTIL,
    bench,
    cancel,
    ended,
    reserve,
    started,
)

# ── made ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_free_connector_is_reserved() -> None:
    """TC_046_1: Accepted, SN(Reserved), written down; the station itself is never Reserved."""
    rig = bench()
    assert reserve(rig, parent="FLEET") == "Accepted"
    assert rig.told() == [RESERVED]
    assert rig.told(0) == []
    assert rig.written(ReservationMade) == [
        ReservationMade(
            reservation_id=5, connector=1, id_tag=ALICE, parent_id_tag="FLEET", expiry_date=UNTIL
        )
    ]


def test_a_reserved_connector_says_so_by_its_lamp() -> None:
    """A driver without the reservation need not try; one who plugs is asked to wait."""
    rig = bench()
    reserve(rig)
    assert lamp(rig.state, 1) is Lamp.UNAVAILABLE
    rig.serve = False
    rig.plug()
    rig.tap()
    assert lamp(rig.state, 1) is Lamp.WAITING


@pytest.mark.parametrize("connector", [1, 0])
def test_a_faulted_station_is_not_reserved(connector: int) -> None:
    """TC_048_1, TC_050_1."""
    rig = bench()
    rig.trip(Trip.RCD)
    assert reserve(rig, connector) == "Faulted"


@pytest.mark.parametrize("connector", [1, 0])
def test_a_connector_in_use_is_occupied(connector: int) -> None:
    """TC_048_2, TC_050_2: a plug, a driver let in, or a session."""
    rig = bench()
    rig.plug()
    assert reserve(rig, connector) == "Occupied"
    rig.unplug()
    rig.tap()
    assert reserve(rig, connector) == "Occupied"
    rig.plug()
    assert reserve(rig, connector) == "Occupied"
    assert rig.told()[-1] is not RESERVED


@pytest.mark.parametrize("connector", [1, 0])
def test_a_connector_out_of_service_is_unavailable(connector: int) -> None:
    """TC_048_3, TC_050_3."""
    rig = bench()
    rig.call(ChangeAvailability(connector_id=1, type=AvailabilityType.INOPERATIVE))
    assert reserve(rig, connector) == "Unavailable"


def test_a_station_out_of_service_takes_no_reservation_for_any() -> None:
    """TC_050_3: the station itself."""
    rig = bench(2)
    rig.call(ChangeAvailability(connector_id=0, type=AvailabilityType.INOPERATIVE))
    rig.call(ChangeAvailability(connector_id=2, type=AvailabilityType.OPERATIVE))
    assert reserve(rig, 0) == "Unavailable"
    assert reserve(rig, 2) == "Accepted"


def test_reservations_of_any_connector_can_be_off() -> None:
    """TC_049, 9.3.1: ReserveConnectorZeroSupported=false."""
    assert reserve(bench(ReserveConnectorZeroSupported="false"), 0) == "Rejected"


def test_a_connector_that_is_not_there_is_rejected() -> None:
    """5.13: no status says it better."""
    assert reserve(bench(2), 3) == "Rejected"


@pytest.mark.parametrize("late", [0, 60])
def test_a_reservation_that_is_over_is_rejected(late: int) -> None:
    """Ruling 23."""
    rig = bench()
    assert reserve(rig, until=rig.instant.wall - timedelta(seconds=late)) == "Rejected"
    assert rig.told() == []


def test_what_cannot_be_kept_is_not_promised() -> None:
    """Nothing is told before it is written; after a reset the promise would be moot."""
    rig = bench()
    rig.step(JournalLost(at=rig.instant, kind="full"))
    assert reserve(rig) == "Rejected"
    rig = bench().charging()
    rig.call(Reset(type=ResetType.SOFT))
    assert reserve(rig) == "Rejected"


def test_another_id_on_a_reserved_connector_is_occupied() -> None:
    """Ruling 23: for the same tag as for another."""
    rig = bench()
    reserve(rig)
    assert reserve(rig, number=6) == "Occupied"
    assert reserve(rig, number=6, tag=BOB) == "Occupied"
    assert reserve(rig, 0, number=6, tag=BOB) == "Occupied"


def test_the_same_id_replaces_on_the_same_connector() -> None:
    """5.13 SHALL; also while somebody's plug waits there."""
    rig = bench()
    reserve(rig)
    rig.plug()
    assert reserve(rig, tag=BOB) == "Accepted"
    rig.tap(ALICE)
    assert started(rig) == []
    rig.tap(BOB)
    assert started(rig) == [(1, BOB, 5)]
    assert RESERVED is rig.told()[0]


def test_the_same_id_moves_to_another_connector() -> None:
    """Ruling 23: the old one is Available again."""
    rig = bench(2)
    reserve(rig, 1)
    assert reserve(rig, 2) == "Accepted"
    assert rig.told(1) == [RESERVED, AVAILABLE]
    assert rig.told(2) == [RESERVED]


def test_a_move_that_fails_keeps_the_old_one() -> None:
    """5.13: what cannot be replaced is not lost."""
    rig = bench(2)
    rig.plug(2)
    reserve(rig, 1)
    assert reserve(rig, 2) == "Occupied"
    assert rig.told(1) == [RESERVED]
    rig.tap(ALICE)
    assert reserve(rig, 1, tag=BOB) == "Occupied"


# ── ended ─────────────────────────────────────────────────────────────────────────────────────────


def test_it_ends_at_its_time() -> None:
    """TC_047: SN(Available) at expiryDate; then anybody may charge, no reservationId."""
    rig = bench()
    reserve(rig, until=rig.instant.wall + timedelta(seconds=120))
    rig.wait(119.9)
    assert rig.told() == [RESERVED]
    rig.wait(0.2)
    assert rig.told() == [RESERVED, AVAILABLE]
    assert ended(rig) == [5]
    rig.plug()
    rig.tap(BOB)
    assert started(rig) == [(1, BOB, None)]


def test_its_time_follows_a_clock_that_is_set() -> None:
    """ExpiryDate is a moment, not a duration."""
    rig = bench()
    reserve(rig, until=rig.instant.wall + timedelta(seconds=1000))
    rig.wall += timedelta(seconds=900)
    rig.meter()
    rig.wait(99)
    assert rig.told() == [RESERVED]
    rig.wait(2)
    assert rig.told() == [RESERVED, AVAILABLE]


def test_two_clocks_that_disagree_a_little_end_it_a_little_later() -> None:
    """Never before the wall clock says so, and not in a busy loop."""
    rig = bench()
    reserve(rig, until=rig.instant.wall + timedelta(seconds=100))
    rig.wall -= timedelta(seconds=0.5)
    rig.wait(100)
    assert rig.told() == [RESERVED]
    rig.wait(0.6)
    assert rig.told() == [RESERVED, AVAILABLE]


def test_it_may_end_between_the_card_and_the_plug() -> None:
    """Ruling 23: then the start carries no reservationId."""
    rig = bench()
    reserve(rig, until=rig.instant.wall + timedelta(seconds=30))
    rig.tap()
    rig.wait(40)
    rig.plug()
    assert started(rig) == [(1, ALICE, None)]


def test_a_cancelled_one_is_gone() -> None:
    """TC_051: SN(Available); another tag charges, no reservationId."""
    rig = bench()
    reserve(rig)
    assert cancel(rig) == "Accepted"
    assert rig.told() == [RESERVED, AVAILABLE]
    rig.plug()
    rig.tap(BOB)
    assert started(rig) == [(1, BOB, None)]
    assert cancel(rig) == "Rejected"


def test_an_unknown_one_cannot_be_cancelled() -> None:
    """TC_052: the other is kept."""
    rig = bench()
    reserve(rig)
    assert cancel(rig, 6) == "Rejected"
    assert rig.told() == [RESERVED]
    assert ended(rig) == []


@pytest.mark.parametrize("connector", [1, 0])
@pytest.mark.parametrize("asked", [1, 0])
@pytest.mark.parametrize("plugged", [True, False])
def test_a_reserved_connector_goes_out_of_service_at_once(
    connector: int,
    asked: int,
    plugged: bool,
) -> None:
    """5.13 (3), ruling 16: Accepted, Reserved to Unavailable with no Available between."""
    rig = bench()
    reserve(rig, connector)
    if plugged:
        rig.plug()
    command = ChangeAvailability(connector_id=asked, type=AvailabilityType.INOPERATIVE)
    assert rig.call(command).status == "Accepted"
    assert rig.told() == [RESERVED, UNAVAILABLE]
    assert ended(rig) == [5]


@pytest.mark.parametrize("connector", [1, 0])
def test_a_fault_ends_it(connector: int) -> None:
    """5.13 (3), ruling 17: it does not come back with the fault's end."""
    rig = bench()
    reserve(rig, connector)
    rig.trip(Trip.RCD)
    rig.trip()
    assert rig.told() == [RESERVED, FAULTED, AVAILABLE]
    assert ended(rig) == [5]


def test_a_fault_elsewhere_does_not_end_it() -> None:
    """5.13 (3) is about its own connector; any other will do for connector 0."""
    rig = bench(2)
    reserve(rig, 1)
    rig.trip(Trip.RCD, connector=2)
    assert rig.told(1) == [RESERVED]
    rig = bench(2)
    reserve(rig, 0)
    rig.trip(Trip.RCD, connector=2)
    assert rig.told(1) == [RESERVED]
    assert ended(rig) == []


# ── over a restart ────────────────────────────────────────────────────────────────────────────────

KEPT = Saved(
    reservations=(ReservationMade(reservation_id=5, connector=1, id_tag=ALICE, expiry_date=UNTIL),)
)


def test_it_survives_a_restart() -> None:
    """Checklist 9: told again after the boot, and still good."""
    rig = Rig(saved=KEPT, serve=True)
    rig.start()
    rig.link_up()
    assert rig.told() == [RESERVED]
    rig.tap()
    rig.plug()
    assert started(rig) == [(1, ALICE, 5)]


def test_one_that_ran_out_in_the_dark_is_gone() -> None:
    """TC_047, over a power cut."""
    rig = Rig(saved=KEPT, now=2000.0, serve=True)
    rig.start()
    rig.link_up()
    assert rig.told() == [AVAILABLE]
    assert ended(rig) == [5]


def test_one_of_a_connector_that_was_taken_away_is_left_behind() -> None:
    """A changed configuration must not stop the start."""
    row = ReservationMade(reservation_id=6, connector=2, id_tag=BOB, expiry_date=UNTIL)
    rig = Rig(saved=Saved(reservations=(*KEPT.reservations, row)))
    assert [one.reservation_id for one in rig.state.station.reservations] == [5]
    assert not rig.messages(StatusNotification)

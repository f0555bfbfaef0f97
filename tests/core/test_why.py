"""`why` names who decides, the weightiest first, and nobody where nothing stands in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from edge.core import reason_words, reasons, why
from edge.core.bay import Ended
from edge.core.commands import ChangeAvailability, RemoteStopTransaction, ReserveNow, Reset
from edge.core.events import DriverLost, JournalLost, Pilot, Port, PowerFailing, Started, Trip
from edge.core.faults import FAULTS, LATCHED, case_of
from edge.core.messages import Authorize, StartTransaction, StatusNotification
from edge.core.vocabulary import (
    AvailabilityType,
    ConnectorStatus,
    ProfilePurpose,
    ResetType,
    StopReason,
)
from edge.core.why import Owner
from tests.core.bench import ALICE, BAD, BOB, NOON, at, setup
from tests.core.build import Rig
from tests.core.restarts import interrupted
from tests.crash.asked import limit


def free() -> Rig:
    return Rig(setup(lock=True), serve=True).online()


def causes(rig: Rig) -> list[str]:
    return [one.what for one in why.causes(rig.state, 1, rig.now)]


def lost_reader(rig: Rig) -> None:
    rig.link_down()
    rig.step(DriverLost(at=rig.instant, port=Port.READER, connector=0, why="silent"))


def asking(rig: Rig) -> None:
    rig.serve = False
    rig.tap()
    assert rig.is_waiting(Authorize)


def opening(rig: Rig) -> None:
    rig.socket().jammed = True
    rig.plug()
    rig.tap()


def reserved(rig: Rig) -> None:
    rig.call(
        ReserveNow(
            connector_id=1,
            expiry_date=rig.instant.wall.replace(year=2027),
            id_tag=BOB,
            reservation_id=1,
        )
    )


def inoperative(rig: Rig) -> None:
    rig.call(ChangeAvailability(connector_id=1, type=AvailabilityType.INOPERATIVE))


START: list[tuple[str, Owner, Callable[[Rig], object]]] = [
    ("emergency stop", Owner.SITE, lambda rig: rig.trip(Trip.EMERGENCY_STOP)),
    (
        "journal: disk is full",
        Owner.SERVICE,
        lambda rig: rig.step(JournalLost(at=rig.instant, kind="full")),
    ),
    ("the mains are gone", Owner.SITE, lambda rig: rig.step(PowerFailing(at=rig.instant))),
    (
        "a reset was asked for",
        Owner.CENTRAL_SYSTEM,
        lambda rig: rig.call(Reset(type=ResetType.SOFT)),
    ),
    ("taken out of service", Owner.CENTRAL_SYSTEM, inoperative),
    ("reserved for somebody else's card", Owner.CENTRAL_SYSTEM, reserved),
    ("a session is about to begin", Owner.STATION, opening),
    ("the central system is asked about a card", Owner.CENTRAL_SYSTEM, asking),
    ("neither card reader nor central system is there", Owner.SERVICE, lost_reader),
]


@pytest.mark.parametrize(("what", "owner", "happens"), START, ids=[row[0] for row in START])
def test_what_keeps_everybody_from_starting_is_named(
    what: str, owner: Owner, happens: Callable[[Rig], object]
) -> None:
    """Each cause by what brings it about; before, nothing stands in the way."""
    rig = free()
    assert causes(rig) == []
    happens(rig)
    found = why.causes(rig.state, 1, rig.now)
    assert (found[0].what, found[0].owner) == (what, owner)
    assert found[0].remedy


def test_safety_01_a_charging_point_that_was_never_seen_is_named() -> None:
    """Safety 1: nothing before its state is known."""
    rig = Rig()
    rig.step(Started(at=rig.instant))
    assert causes(rig) == ["the charging point is not seen yet", *causes(rig)[1:]]


def stubborn(rig: Rig) -> None:
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))


ENERGY: list[tuple[str, Owner, Callable[[Rig], object]]] = [
    ("a remote stop was asked for", Owner.CENTRAL_SYSTEM, stubborn),
    ("too hot", Owner.SERVICE, lambda rig: rig.trip(Trip.OVER_TEMPERATURE)),
    ("limited by charging profiles", Owner.CENTRAL_SYSTEM, lambda rig: rig.call(limit(0.0))),
    ("the car asks for no energy", Owner.CAR, lambda rig: rig.see(pilot=Pilot.B)),
]


@pytest.mark.parametrize(("what", "owner", "happens"), ENERGY, ids=[row[0] for row in ENERGY])
def test_what_keeps_energy_from_a_session_is_named(
    what: str, owner: Owner, happens: Callable[[Rig], object]
) -> None:
    """Each cause by what brings it about; before, energy flows."""
    rig = free().charging()
    assert causes(rig) == []
    happens(rig)
    found = why.causes(rig.state, 1, rig.now)
    assert (found[0].what, found[0].owner) == (what, owner)
    assert found[0].remedy


def test_a_car_that_is_gone_while_its_session_goes_on_is_named() -> None:
    """The standard's own words (errata, StopTransactionOnEVSideDisconnect false)."""
    keys = {"StopTransactionOnEVSideDisconnect": "false"}
    rig = Rig(setup(keys=keys), serve=True).online().charging()
    rig.see(pilot=Pilot.A)
    first = why.causes(rig.state, 1, rig.now)[0]
    assert (first.what, first.owner) == ("EV side disconnected", Owner.CAR)


def test_a_card_that_is_not_accepted_is_named() -> None:
    """StopTransactionOnInvalidId false: the session stays, the energy goes (9.1.26)."""
    rig = Rig(setup(keys={"StopTransactionOnInvalidId": "false"})).online().charging()
    rig.tag_info = {ALICE: BAD}
    rig.answer(StartTransaction)
    first = why.causes(rig.state, 1, rig.now)[0]
    assert (first.what, first.owner) == ("the card is not accepted", Owner.CENTRAL_SYSTEM)


def test_another_car_that_is_served_first_is_named() -> None:
    """A shared limit that serves one: the other waits for it, not for the central system."""
    rig = Rig(setup(connectors=2), serve=True).online()
    rig.call(limit(8.0, ProfilePurpose.CHARGE_POINT_MAX, 0))
    rig.charging(1).charging(2, BOB)
    first = why.causes(rig.state, 2, rig.now)[0]
    assert (first.what, first.owner) == ("another car is served first", Owner.STATION)


def test_a_session_found_after_a_restart_is_named() -> None:
    """Nothing flows before inputs and meter are known (I11)."""
    rig = Rig(setup(), saved=interrupted())
    first = why.causes(rig.state, 1, rig.now)[0]
    assert first.what == "a session is settled after a restart"


def test_safety_06_a_contactor_that_rests_says_until_when() -> None:
    """Safety 6: five seconds, from when it opened."""
    rig = free().charging()
    rig.see(pilot=Pilot.B)
    opened_at = rig.now
    rig.wait(1.0)
    rig.see(pilot=Pilot.C)
    first = why.causes(rig.state, 1, rig.now)[0]
    assert (first.what, first.since, first.until) == (
        "the contactor rests",
        opened_at,
        opened_at + 5.0,
    )


def test_a_contactor_that_has_not_closed_yet_is_named() -> None:
    """Ordered, not seen."""
    rig = free()
    rig.socket().deaf = True
    rig.plug()
    rig.tap()
    assert causes(rig) == ["the contactor has not closed yet"]


def test_a_car_that_draws_nothing_is_named_since_when() -> None:
    """A minute without current is a full car, whatever its pilot says."""
    rig = free().charging()
    rig.meter(current_a=0.0)
    low_since = rig.now
    for _ in range(61):
        rig.wait(1.0)
        rig.meter()
    first = why.causes(rig.state, 1, rig.now)[0]
    assert (first.what, first.since) == ("the car draws nothing", low_since)


def test_a_cause_says_since_when_it_holds() -> None:
    """Derived from what the status machine keeps, not stored anew."""
    rig = free()
    rig.wait(50.0)
    inoperative(rig)
    began = rig.now
    rig.wait(70.0)
    first = why.causes(rig.state, 1, rig.now)[0]
    assert (first.since, first.until) == (began, None)


def test_a_reset_says_since_and_until_when() -> None:
    """Both follow from its deadline."""
    rig = Rig(setup()).online().charging()
    rig.call(Reset(type=ResetType.SOFT))
    began = rig.now
    rig.wait(3.0)
    state = replace(rig.state, bays=tuple(replace(bay, transaction=None) for bay in rig.state.bays))
    found = next(one for one in why.causes(state, 1, rig.now) if "reset" in one.what)
    assert (found.since, found.until) == (began, began + 20.0)


def test_a_limit_is_named_while_energy_flows() -> None:
    """Who keeps the current below the rating; nobody, if it is the rating."""
    rig = free().charging()
    assert why.limit(rig.state, 1, rig.now) is None
    rig.call(limit(10.0))
    found = why.limit(rig.state, 1, rig.now)
    assert found is not None
    assert (found.what, found.owner) == ("limited by charging profiles: 10 A", Owner.CENTRAL_SYSTEM)
    assert causes(rig) == []


@pytest.mark.parametrize("reason", StopReason)
def test_whoever_ended_the_last_session_is_named(reason: StopReason) -> None:
    """Every reason has its words."""
    last = why.ended(Ended(reason=reason, at=at(7)))
    assert last.what
    assert last.since == 7


def test_the_last_session_knows_who_ended_it() -> None:
    """Until the next process: what is over is the central system's to keep."""
    rig = free().charging()
    assert rig.bay().ended is None
    rig.call(RemoteStopTransaction(transaction_id=4711))
    rig.wait(20.0)
    ended = rig.bay().ended
    assert ended is not None
    assert why.ended(ended).what == "a remote stop was asked for"


def test_every_word_fits_into_info() -> None:
    """StatusNotification.info has 50 characters (7.47)."""
    rig = free().charging()
    case = case_of(rig.state, 1, rig.now)
    words = [found.info for _, found in FAULTS] + [found.info for found in LATCHED.values()]
    words += [text for text, _ in reason_words.ENDED.values()]
    words += [one.what for one in reason_words.LIMITS.values()]
    words += [row.what(case) for row in reasons.START if row.is_told]
    assert [text for text in words if len(text) > 50] == []


@pytest.mark.parametrize(
    ("happens", "status", "info"),
    [
        (inoperative, ConnectorStatus.UNAVAILABLE, "taken out of service"),
        (
            lambda rig: rig.charging().call(limit(0.0)),
            ConnectorStatus.SUSPENDED_EVSE,
            "limited by charging profiles",
        ),
        (lambda rig: rig.charging().see(pilot=Pilot.B), ConnectorStatus.SUSPENDED_EV, None),
        (lambda rig: rig.plug(), ConnectorStatus.PREPARING, None),
    ],
)
def test_the_central_system_is_told_the_same_words(
    happens: Callable[[Rig], object], status: ConnectorStatus, info: str | None
) -> None:
    """Where the status alone does not say whose doing it is, and it lasts."""
    rig = free()
    happens(rig)
    last = [one for one in rig.messages(StatusNotification) if one.connector_id == 1][-1]
    assert (last.status, last.info) == (status, info)
    assert rig.instant.wall > NOON

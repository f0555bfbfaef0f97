"""Where a driver may start, and what he is told when he may not."""

from __future__ import annotations

from typing import Any

import pytest

from csms_lite.charging.rules import (
    BUSY,
    Place,
    choose_connector,
    is_reserved_for,
    refuse_verdict,
)
from csms_lite.errors import Refused
from csms_lite.sessions.rules import Session
from csms_lite.stations.rules import Connector
from tests.csms_lite.shapes import STATION, session

NOW_MS = 1_714_557_600_000  # 2024-05-01T10:00:00Z
LATER, BEFORE = "2024-05-01T11:00:00Z", "2024-05-01T09:00:00Z"


def place(*statuses: str, occupying: tuple[Session, ...] = (), **more: Any) -> Place:
    """A station whose connectors tell these statuses, numbered from 1."""
    whole = more.pop("whole", None)
    connectors = [
        Connector(number, status, "NoError", None, 0) for number, status in enumerate(statuses, 1)
    ]
    if whole is not None:
        connectors.insert(0, Connector(0, whole, "NoError", None, 0))
    told = {"station": STATION, "is_online": True, "reservation": None, "commanded": {}, **more}
    return Place(connectors=connectors, occupying=occupying, **told)


def reservation(**more: Any) -> dict[str, Any]:
    return {
        "connectorId": 1,
        "expiryDate": LATER,
        "idTag": "Card1",
        "reservationId": 5,
        **more,
    }


@pytest.mark.parametrize("status", ["Available", "Preparing"])
def test_a_free_connector_is_taken(status: str) -> None:
    """Decision 15: a car that is plugged in already is Preparing."""
    assert choose_connector(place(status), 1, "CARD1", NOW_MS) == 1


@pytest.mark.parametrize(
    "status",
    [
        "Charging",
        "SuspendedEV",
        "SuspendedEVSE",
        "Finishing",
        "Reserved",
        "Unavailable",
        "Faulted",
        "Unknown",
    ],
)
def test_any_other_connector_is_refused_with_its_reason(status: str) -> None:
    """D49: no effect, and we say why; all nine statuses and the one that was never told."""
    with pytest.raises(Refused, match=f"connector 1 cannot be used: {BUSY[status]}"):
        choose_connector(place(status), 1, "CARD1", NOW_MS)


def test_without_a_wish_the_first_free_one_is_taken() -> None:
    """1.7 row 25."""
    assert (
        choose_connector(place("Charging", "Faulted", "Preparing", "Available"), None, "A", 0) == 3
    )


def test_when_none_is_free_each_is_explained() -> None:
    """One sentence tells a driver whether waiting helps."""
    with pytest.raises(Refused, match=r"connector 1: a car is charging.*; connector 2: it has"):
        choose_connector(place("Charging", "Faulted"), None, "A", NOW_MS)


def test_the_station_itself_is_no_connector() -> None:
    """Connector 0 is never started on, and its fault is everybody's."""
    assert choose_connector(place("Available", whole="Available"), None, "A", NOW_MS) == 1
    for status in ("Faulted", "Unavailable"):
        with pytest.raises(Refused, match=BUSY[status]):
            choose_connector(place("Available", whole=status), 1, "A", NOW_MS)


def test_a_connector_that_nobody_told_of_is_refused() -> None:
    """The driver misread the number, or the station has not told yet."""
    with pytest.raises(Refused, match="no connector 9 here: those known are 1, 2"):
        choose_connector(place("Available", "Available"), 9, "A", NOW_MS)
    with pytest.raises(Refused, match="has not told"):
        choose_connector(place(), None, "A", NOW_MS)


def test_a_charger_that_is_away_or_not_let_in_is_refused() -> None:
    """B38; a driver shall not wait before a charger that cannot hear us."""
    with pytest.raises(Refused, match="no connection"):
        choose_connector(place("Available", is_online=False), 1, "A", NOW_MS)
    for change in (
        {"registration": "Pending"},
        {"registration": "Rejected"},
        {"dismissed_at_ms": 5},
    ):
        waiting = STATION._replace(**change)
        with pytest.raises(Refused, match="not in service"):
            choose_connector(place("Available", station=waiting), 1, "A", NOW_MS)


@pytest.mark.parametrize(
    ("commanded", "free"),
    [
        ({}, 1),
        ({1: "Inoperative"}, 2),
        ({0: "Inoperative", 2: "Operative"}, 2),
        ({0: "Operative", 1: "Inoperative"}, 2),
        ({0: "Inoperative"}, None),
    ],
)
def test_what_was_taken_out_of_service_is_refused(
    commanded: dict[int, str], free: int | None
) -> None:
    """Before the charger tells so: it may say Scheduled and still be Available."""
    there = place("Available", "Available", commanded=commanded)
    if free is not None:
        assert choose_connector(there, None, "A", NOW_MS) == free
        return
    with pytest.raises(Refused, match=BUSY["Unavailable"]):
        choose_connector(there, None, "A", NOW_MS)


@pytest.mark.parametrize(
    ("state", "why"), [("pending", "somebody is starting"), ("running", "car")]
)
def test_an_occupied_connector_is_refused_whatever_it_tells(state: str, why: str) -> None:
    """The status may lag behind: our own session says more."""
    with pytest.raises(Refused, match=why):
        choose_connector(
            place("Available", occupying=(session(connector=1, state=state),)), 1, "A", NOW_MS
        )
    beside = place("Available", "Available", occupying=(session(connector=1, state=state),))
    assert choose_connector(beside, None, "A", NOW_MS) == 2


@pytest.mark.parametrize(
    ("kept", "is_his"),
    [
        (reservation(), True),
        (reservation(idTag="CARD1"), True),
        (reservation(connectorId=0), True),
        (reservation(connectorId=2), False),
        (reservation(idTag="CARD2"), False),
        (reservation(expiryDate=BEFORE), False),
        (reservation(expiryDate="2024-05-01T10:00:00Z"), False),
        (None, False),
    ],
)
def test_what_is_reserved_for_him_a_driver_may_use(
    kept: dict[str, Any] | None, is_his: bool
) -> None:
    """Decision 15; tags compare without case, and a reservation ends."""
    assert is_reserved_for(kept, 1, "card1", NOW_MS) is is_his
    there = place("Reserved", reservation=kept)
    if is_his:
        assert choose_connector(there, 1, "card1", NOW_MS) == 1
    else:
        with pytest.raises(Refused, match="reserved for somebody else"):
            choose_connector(there, 1, "card1", NOW_MS)


@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid", "ConcurrentTx"])
def test_a_card_that_is_not_good_is_refused_in_words(status: str) -> None:
    """B31, for a person."""
    with pytest.raises(Refused, match="this card"):
        refuse_verdict(status)
    refuse_verdict("Accepted")

"""Reservations as an operator asks for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.spec_csms.bench import Bench


def reservation(**more: Any) -> dict[str, Any]:
    expiry = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"connectorId": 1, "expiryDate": expiry, "idTag": "CARD", "reservationId": 1, **more}


async def reserve(bench: Bench, status: str, **more: Any) -> None:
    async with bench.booted() as point:
        point.script["ReserveNow"] = {"status": status}
        assert await bench.told(point, "ReserveNow", reservation(**more)) == {"status": status}
        assert await bench.sessions() == []


async def test_tc_046_a_reservation_is_used(bench: Bench) -> None:
    """Reserved, Preparing, a start that names the reservation."""
    await bench.card("CARD")
    async with bench.booted() as point:
        row = await bench.ask("ReserveNow", reservation())
        await point.status(1, "Reserved")
        assert (await bench.observed(row))["status"] == "Reserved"
        assert (await point.authorize("CARD"))["status"] == "Accepted"
        begun = await point.start("CARD", reservationId=1)
        assert begun["idTagInfo"]["status"] == "Accepted"
        await point.status(1, "Charging")


async def test_tc_047_a_reservation_lapses(bench: Bench) -> None:
    """Reserved, and Available again when its time is over."""
    async with bench.booted() as point:
        assert await bench.told(point, "ReserveNow", reservation()) == {"status": "Accepted"}
        await point.status(1, "Reserved")
        await point.status(1, "Available")
        assert (await bench.connector())["status"] == "Available"


async def test_tc_048_1_a_faulted_connector(bench: Bench) -> None:
    """Faulted is shown."""
    await reserve(bench, "Faulted")


async def test_tc_048_2_an_occupied_connector(bench: Bench) -> None:
    """Occupied is shown."""
    await reserve(bench, "Occupied")


async def test_tc_048_3_an_unavailable_connector(bench: Bench) -> None:
    """Unavailable is shown."""
    await reserve(bench, "Unavailable")


async def test_tc_048_4_reservations_not_taken(bench: Bench) -> None:
    """Rejected is shown."""
    await reserve(bench, "Rejected")


async def test_tc_049_any_connector_is_reserved(bench: Bench) -> None:
    """Connector 0."""
    await reserve(bench, "Accepted", connectorId=0)


async def test_tc_051_a_reservation_is_cancelled(bench: Bench) -> None:
    """Accepted is kept; the connector is free again."""
    async with bench.booted() as point:
        await bench.told(point, "ReserveNow", reservation(reservationId=9))
        await point.status(1, "Reserved")
        asked = {"reservationId": 9}
        assert await bench.told(point, "CancelReservation", asked) == {"status": "Accepted"}
        await point.status(1, "Available")


async def test_tc_052_an_unknown_reservation_is_cancelled(bench: Bench) -> None:
    """The number reaches the wire; Rejected is kept."""
    async with bench.booted() as point:
        point.script["CancelReservation"] = {"status": "Rejected"}
        asked = {"reservationId": 4711}
        assert await bench.told(point, "CancelReservation", asked) == {"status": "Rejected"}


async def test_tc_053_a_parent_may_use_the_reservation(bench: Bench) -> None:
    """ReserveNow with the parent; Authorize of another card of the family names it."""
    await bench.card("CARD", parent="FAMILY")
    await bench.card("OTHER", parent="FAMILY")
    async with bench.booted() as point:
        asked = reservation(parentIdTag="FAMILY")
        assert await bench.told(point, "ReserveNow", asked) == {"status": "Accepted"}
        info = await point.authorize("OTHER")
        assert (info["status"], info["parentIdTag"]) == ("Accepted", "FAMILY")
        begun = await point.start("OTHER", reservationId=1)
        assert begun["idTagInfo"]["parentIdTag"] == "FAMILY"

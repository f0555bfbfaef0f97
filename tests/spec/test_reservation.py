"""Checklist 9: reservations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.spec.central import Central
from tests.spec.station import CARD, OTHER, Station

ACCEPTED = {"status": "Accepted"}
GROUP = {"idTagInfo": {"status": "Accepted", "parentIdTag": "GROUP"}}


def reserve(
    central: Central, connector: int = 1, number: int = 1, for_s: float = 600, **more: Any
) -> str:
    """ReserveNow for CARD; its status."""
    until = datetime.now(UTC) + timedelta(seconds=for_s)
    asked = {
        "connectorId": connector,
        "reservationId": number,
        "idTag": CARD,
        "expiryDate": until.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return str(central.call("ReserveNow", {**asked, **more})["status"])


def reserved(point: Station, central: Central, **more: Any) -> None:
    """Boot, and reserve connector 1 for CARD with id 1."""
    point.booted()
    assert reserve(central, **more) == "Accepted"
    central.expect_status(1, "Reserved")


def out_of_service(central: Central, connector: int) -> None:
    """Inoperative, and told."""
    central.call("ChangeAvailability", connectorId=connector, type="Inoperative")
    central.expect_status(connector, "Unavailable")


def test_r_6_3_offline_for_somebody_else(point: Station, central: Central) -> None:
    """Another tag of unknown parent is not admitted offline; the status stays Reserved."""
    point.booted(ocpp={"AllowOfflineTxForUnknownId": True})
    out_of_service(central, 2)
    assert reserve(central, parentIdTag="GROUP") == "Accepted"
    central.expect_status(1, "Reserved")
    point.cut_off()
    point.plug()
    point.tap(OTHER)
    point.reconnect()
    central.never("StartTransaction")
    assert central.statuses(1)[-1] == "Reserved"
    assert not point.is_closed()


def test_tc_046_1_its_own_card(point: Station, central: Central) -> None:
    """Another card starts nothing; its own: Preparing, Start with idTag and reservationId."""
    point.booted()
    out_of_service(central, 2)
    assert reserve(central) == "Accepted"
    told = central.expect_status(1, "Reserved")
    point.tap(OTHER)
    central.never("StartTransaction")
    central.never("StatusNotification", for_s=0.1)
    point.tap(CARD)
    central.expect_status(1, "Preparing", after=told)
    point.plug()
    start = central.expect("StartTransaction", connectorId=1)
    assert (start["idTag"], start["reservationId"]) == (CARD, 1)
    central.expect_status(1, "Charging")


def test_tc_046_2_its_own_remote_start(point: Station, central: Central) -> None:
    """The same by RemoteStart."""
    reserved(point, central)
    asked = {"connectorId": 1, "idTag": CARD}
    assert central.call("RemoteStartTransaction", asked) == ACCEPTED
    central.expect_status(1, "Preparing")
    point.plug()
    start = central.expect("StartTransaction", connectorId=1)
    assert (start["idTag"], start["reservationId"]) == (CARD, 1)


def test_tc_047_it_expires(point: Station, central: Central) -> None:
    """At expiryDate Available; then anybody charges, without reservationId."""
    point.booted()
    assert reserve(central, for_s=2) == "Accepted"
    told = central.expect_status(1, "Reserved")
    central.expect_status(1, "Available", after=told)
    point.plug()
    central.expect_status(1, "Preparing", after=told)
    point.tap(OTHER)
    start = central.expect("StartTransaction", idTag=OTHER)
    assert "reservationId" not in start.payload


def test_tc_048_1_faulted(point: Station, central: Central) -> None:
    """The connector is faulted."""
    point.booted()
    point.sim("fault", connector=1, code="rcd")
    central.expect_status(1, "Faulted")
    assert reserve(central) == "Faulted"


@pytest.mark.parametrize("energy", [False, True], ids=["plugged", "charging"])
def test_tc_048_2_occupied(point: Station, central: Central, energy: bool) -> None:
    """The connector is plugged, or in a session."""
    point.booted()
    if energy:
        point.charging()
    else:
        point.plug()
        central.expect_status(1, "Preparing")
    assert reserve(central) == "Occupied"


def test_tc_048_3_unavailable(point: Station, central: Central) -> None:
    """The connector is out of service."""
    point.booted()
    out_of_service(central, 1)
    assert reserve(central) == "Unavailable"


def test_tc_049_connector_zero(point: Station, central: Central) -> None:
    """Reserved on 0: its tag starts on any connector, with the reservationId."""
    point.booted()
    assert reserve(central, connector=0) == "Accepted"
    point.plug(2)
    point.tap(CARD)
    start = central.expect("StartTransaction", connectorId=2)
    assert (start["idTag"], start["reservationId"]) == (CARD, 1)


def test_r_9_1_what_connector_zero_does_is_told(point: Station, central: Central) -> None:
    """ReserveConnectorZeroSupported is read-only and true; the profile is listed."""
    point.booted()
    told = central.call("GetConfiguration", key=["ReserveConnectorZeroSupported"])
    (shown,) = told["configurationKey"]
    assert (shown["readonly"], shown["value"]) == (True, "true")
    assert "Reservation" in (point.value("SupportedFeatureProfiles") or "").split(",")


def test_tc_050_1_all_faulted(point: Station, central: Central) -> None:
    """Connector 0 with the whole charge point faulted."""
    point.booted()
    point.sim("fault", connector=0, code="rcd")
    for connector in (1, 2):
        central.expect_status(connector, "Faulted")
    assert reserve(central, connector=0) == "Faulted"


def test_tc_050_2_all_occupied(point: Station, central: Central) -> None:
    """Connector 0 with a cable in every connector."""
    point.booted()
    for connector in (1, 2):
        point.plug(connector)
        central.expect_status(connector, "Preparing")
    assert reserve(central, connector=0) == "Occupied"


def test_tc_050_3_all_unavailable(point: Station, central: Central) -> None:
    """Connector 0 out of service."""
    point.booted()
    out_of_service(central, 0)
    assert reserve(central, connector=0) == "Unavailable"


def test_tc_051_cancelled(point: Station, central: Central) -> None:
    """Accepted, Available; another charges, without reservationId."""
    reserved(point, central)
    assert central.call("CancelReservation", reservationId=1) == ACCEPTED
    central.expect_status(1, "Available")
    start = point.charging(1, OTHER)
    assert "reservationId" not in start.payload


def test_tc_052_cancelling_another(point: Station, central: Central) -> None:
    """An unknown id: Rejected, ours stays."""
    reserved(point, central)
    assert central.call("CancelReservation", reservationId=2) == {"status": "Rejected"}
    central.never("StatusNotification", for_s=0.2)


def test_tc_053_1_a_card_of_its_group(point: Station, central: Central) -> None:
    """Authorize tells the parent of the reservation: admitted, with reservationId."""
    point.booted()
    out_of_service(central, 2)
    assert reserve(central, parentIdTag="group") == "Accepted"
    central.expect_status(1, "Reserved")
    central.answers["Authorize"] = GROUP
    point.tap(OTHER)
    central.expect("Authorize", idTag=OTHER)
    point.plug()
    start = central.expect("StartTransaction", connectorId=1)
    assert (start["idTag"], start["reservationId"]) == (OTHER, 1)


def test_tc_053_2_a_remote_tag_of_its_group(point: Station, central: Central) -> None:
    """The same by RemoteStart with AuthorizeRemoteTxRequests."""
    point.booted()
    point.configure("AuthorizeRemoteTxRequests", value=True)
    assert reserve(central, parentIdTag="GROUP") == "Accepted"
    central.expect_status(1, "Reserved")
    central.answers["Authorize"] = GROUP
    asked = {"connectorId": 1, "idTag": OTHER}
    assert central.call("RemoteStartTransaction", asked) == ACCEPTED
    central.expect("Authorize", idTag=OTHER)
    point.plug()
    start = central.expect("StartTransaction", connectorId=1)
    assert (start["idTag"], start["reservationId"]) == (OTHER, 1)


def test_r_9_2_a_shown_card_does_not_end_it(point: Station, central: Central) -> None:
    """Card, no cable in ConnectionTimeOut: Reserved again."""
    point.booted()
    out_of_service(central, 2)
    point.configure("ConnectionTimeOut", 1)
    assert reserve(central) == "Accepted"
    told = central.expect_status(1, "Reserved")
    point.tap(CARD)
    preparing = central.expect_status(1, "Preparing", after=told)
    central.expect_status(1, "Reserved", after=preparing)


def test_r_9_3_it_survives_a_reboot(point: Station, central: Central) -> None:
    """Reserved after a power cut."""
    reserved(point, central)
    point.sim("power", mode="kill")
    point.await_exit()
    point.restart()
    boot = central.expect("BootNotification")
    central.expect_status(1, "Reserved", after=boot)
    assert central.call("CancelReservation", reservationId=1) == ACCEPTED
    central.expect_status(1, "Available", after=boot)


def test_r_9_4_the_same_id_replaces(point: Station, central: Central) -> None:
    """Reservation 1 again, on connector 2: 1 is Available, 2 Reserved."""
    reserved(point, central)
    assert reserve(central, connector=2) == "Accepted"
    central.expect_status(1, "Available")
    central.expect_status(2, "Reserved")


def test_r_9_5_a_foreign_remote_tag(point: Station, central: Central) -> None:
    """RemoteStart of another tag without that parent: nothing starts."""
    reserved(point, central)
    central.call("RemoteStartTransaction", connectorId=1, idTag=OTHER)
    point.plug()
    central.never("StartTransaction", for_s=0.6)
    assert not point.is_closed()


def test_r_9_6_out_of_service(point: Station, central: Central) -> None:
    """Inoperative: Reserved to Unavailable, nothing between; the reservation is over."""
    reserved(point, central)
    out_of_service(central, 1)
    assert central.statuses(1) == ["Available", "Reserved", "Unavailable"]
    assert central.call("CancelReservation", reservationId=1) == {"status": "Rejected"}


def test_r_9_7_already_over(point: Station, central: Central) -> None:
    """An expiryDate in the past: Rejected."""
    point.booted()
    assert reserve(central, for_s=-60) == "Rejected"
    central.never("StatusNotification", for_s=0.2)

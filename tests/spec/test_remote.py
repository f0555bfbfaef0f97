"""Checklist 3: sessions begun and ended from afar."""

from __future__ import annotations

from tests.spec.central import Central
from tests.spec.station import CARD, OTHER, Station

ACCEPTED = {"status": "Accepted"}
REJECTED = {"status": "Rejected"}


def start(central: Central, connector: int | None = 1, tag: str = CARD) -> dict[str, str]:
    """RemoteStartTransaction."""
    named = {} if connector is None else {"connectorId": connector}
    return central.call("RemoteStartTransaction", {"idTag": tag, **named})


def test_tc_010_cable_first(point: Station, central: Central) -> None:
    """Plug, Preparing, RemoteStart Accepted, Start and Charging; no Authorize unless configured."""
    point.booted()
    assert point.value("AuthorizeRemoteTxRequests") == "false"
    point.plug()
    preparing = central.expect_status(1, "Preparing")
    assert start(central) == ACCEPTED
    begun = central.expect("StartTransaction", connectorId=1, idTag=CARD, after=preparing)
    central.expect_status(1, "Charging", after=preparing)
    assert "reservationId" not in begun.payload
    assert point.is_closed()
    central.never("Authorize", for_s=0.1)


def test_tc_011_1_remote_start_first(point: Station, central: Central) -> None:
    """RemoteStart Accepted, Authorize, Preparing, plug, Start and Charging."""
    point.booted()
    point.configure("AuthorizeRemoteTxRequests", value=True)
    assert start(central) == ACCEPTED
    central.expect("Authorize", idTag=CARD)
    preparing = central.expect_status(1, "Preparing")
    assert not point.is_closed()
    point.plug()
    central.expect("StartTransaction", connectorId=1, idTag=CARD, after=preparing)
    central.expect_status(1, "Charging", after=preparing)


def test_tc_011_2_no_cable_comes(point: Station, central: Central) -> None:
    """No cable within ConnectionTimeOut: Available; a plug after that starts nothing."""
    point.booted()
    point.configure("ConnectionTimeOut", 1)
    assert start(central) == ACCEPTED
    preparing = central.expect_status(1, "Preparing")
    central.expect_status(1, "Available", after=preparing)
    point.plug()
    central.expect_status(1, "Preparing")
    central.never("StartTransaction")


def test_tc_012_remote_stop(point: Station, central: Central) -> None:
    """RemoteStop Accepted, Stop(Remote) and Finishing, unplug, Available."""
    point.booted()
    point.charging()
    number = point.transaction()
    assert central.call("RemoteStopTransaction", transactionId=number) == ACCEPTED
    stop = central.expect("StopTransaction", transactionId=number, reason="Remote")
    central.expect_status(1, "Finishing")
    assert not point.is_closed()
    point.unplug()
    central.expect_status(1, "Available", after=stop)


def test_tc_026_the_connector_is_in_use(point: Station, central: Central) -> None:
    """RemoteStart where a transaction runs is Rejected, the transaction goes on."""
    point.booted()
    point.charging()
    assert start(central, 1, OTHER) == REJECTED
    central.never("StartTransaction", for_s=0.2)
    assert point.is_closed()


def test_tc_027_connector_zero(point: Station, central: Central) -> None:
    """RemoteStart on connector 0: the field's range is broken, so a CALLERROR says it."""
    point.booted()
    payload = {"idTag": CARD, "connectorId": 0}
    code = central.refusal_of("RemoteStartTransaction", payload)
    assert code == "PropertyConstraintViolation"


def test_tc_028_an_unknown_transaction(point: Station, central: Central) -> None:
    """RemoteStop of a transaction that is not ours is Rejected, ours goes on."""
    point.booted()
    point.charging()
    number = point.transaction()
    assert central.call("RemoteStopTransaction", transactionId=number + 1) == REJECTED
    central.never("StopTransaction", for_s=0.2)
    assert point.is_closed()


def test_r_3_1_no_connector_named(point: Station, central: Central) -> None:
    """Without connectorId the connector plugged first starts."""
    point.booted()
    assert start(central, None) == ACCEPTED
    point.plug(2)
    central.expect("StartTransaction", connectorId=2, idTag=CARD)
    point.plug(1)
    central.expect_status(1, "Preparing")
    central.never("StartTransaction", for_s=0.2)


def test_r_3_2_another_connector_is_plugged(point: Station, central: Central) -> None:
    """Named 2: a plug in 1 starts nothing, one in 2 does."""
    point.booted()
    assert start(central, 2) == ACCEPTED
    central.expect_status(2, "Preparing")
    point.plug(1)
    central.expect_status(1, "Preparing")
    central.never("StartTransaction", for_s=0.3)
    point.plug(2)
    central.expect("StartTransaction", connectorId=2, idTag=CARD)


def test_r_3_3_one_tag_two_sessions(point: Station, central: Central) -> None:
    """The same tag may charge on both connectors, each with a transaction of its own."""
    point.booted()
    for connector in (1, 2):
        point.plug(connector)
        central.expect_status(connector, "Preparing")
        assert start(central, connector) == ACCEPTED
        central.expect("StartTransaction", connectorId=connector, idTag=CARD)
        central.expect_status(connector, "Charging")
    assert point.transaction(1) != point.transaction(2)


def test_r_3_4_no_connector_is_free(point: Station, central: Central) -> None:
    """None free: Rejected; a connector we have not got: Rejected."""
    point.booted()
    assert start(central, 3) == REJECTED
    point.charging(1)
    point.charging(2, OTHER)
    assert start(central, None, "04AAAAAAAAAA80") == REJECTED


def test_r_3_5_the_car_leaves_a_remote_session(point: Station, central: Central) -> None:
    """Unplugged at the car: Stop(EVDisconnected) as with any other session."""
    point.booted()
    point.plug()
    central.expect_status(1, "Preparing")
    assert start(central) == ACCEPTED
    central.expect("StartTransaction", connectorId=1)
    central.expect_status(1, "Charging")
    point.unplug(side="ev")
    central.expect("StopTransaction", reason="EVDisconnected")
    central.expect_status(1, "Finishing")
    assert not point.is_closed()


def test_r_3_6_a_remote_tag_is_refused(point: Station, central: Central) -> None:
    """AuthorizeRemoteTxRequests, Authorize not Accepted, then the plug: no transaction."""
    point.booted()
    point.configure("AuthorizeRemoteTxRequests", value=True)
    central.answers["Authorize"] = {"idTagInfo": {"status": "Blocked"}}
    assert start(central) == ACCEPTED
    central.expect("Authorize", idTag=CARD)
    point.plug()
    central.expect_status(1, "Preparing")
    central.never("StartTransaction")


def test_r_3_7_a_card_takes_the_place_of_a_remote_start(point: Station, central: Central) -> None:
    """A card shown before the plug replaces the remote tag."""
    point.booted()
    central.call("ChangeAvailability", connectorId=2, type="Inoperative")
    assert start(central) == ACCEPTED
    central.expect_status(1, "Preparing")
    point.tap(OTHER)
    central.expect("Authorize", idTag=OTHER)
    point.plug()
    begun = central.expect("StartTransaction", connectorId=1)
    assert begun["idTag"] == OTHER

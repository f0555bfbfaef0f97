"""Checklist 2: sessions begun and ended at the charge point."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.spec.central import Central, Payload
from tests.spec.station import CARD, OTHER, THIRD, Station

GROUP = {"idTagInfo": {"status": "Accepted", "parentIdTag": "GROUP"}}


def test_tc_003_plug_first(point: Station, central: Central) -> None:
    """Plug, Preparing, card, Authorize, Start and Charging; the same card ends it with Local."""
    point.booted()
    point.plug()
    central.expect_status(1, "Preparing")
    assert not point.is_closed()
    point.tap()
    authorize = central.expect("Authorize", idTag=CARD)
    start = central.expect("StartTransaction", connectorId=1, idTag=CARD, after=authorize)
    assert "reservationId" not in start.payload
    assert start["meterStart"] >= 0
    central.expect_status(1, "Charging", after=authorize)
    assert point.is_closed()
    number = point.transaction()
    point.tap()
    stop = central.expect("StopTransaction", after=start)
    central.expect_status(1, "Finishing", after=start)
    assert stop["transactionId"] == number
    assert (stop["reason"], stop["idTag"]) == ("Local", CARD)
    assert stop["meterStop"] >= start["meterStart"]
    assert stop["timestamp"] > start["timestamp"]
    assert not point.is_closed()
    point.unplug()
    central.expect_status(1, "Available", after=stop)
    told = [status for status in central.statuses(1) if status != "SuspendedEV"]  # B4, C1
    assert told == ["Available", "Preparing", "Charging", "Finishing", "Available"]


def test_tc_004_1_card_first(point: Station, central: Central) -> None:
    """Card, then cable: Authorize, Preparing, Start and Charging, card, Finishing, Available."""
    point.booted()
    point.tap()
    authorize = central.expect("Authorize", idTag=CARD)
    central.never("StartTransaction", for_s=0.2)
    point.plug(1)
    central.expect_status(1, "Preparing")
    start = central.expect("StartTransaction", connectorId=1, idTag=CARD, after=authorize)
    central.expect_status(1, "Charging")
    point.tap()
    stop = central.expect("StopTransaction", after=start, reason="Local")
    central.expect_status(1, "Finishing")
    point.unplug()
    central.expect_status(1, "Available", after=stop)


def test_tc_004_2_card_without_cable(point: Station, central: Central) -> None:
    """No cable within ConnectionTimeOut: the authorisation is dropped, nothing starts."""
    point.booted()
    point.configure("ConnectionTimeOut", 1)
    central.call("ChangeAvailability", connectorId=2, type="Inoperative")
    point.tap()
    central.expect("Authorize")
    central.expect_status(1, "Preparing")
    central.expect_status(1, "Available")
    point.plug()
    central.expect_status(1, "Preparing")
    central.never("StartTransaction")
    assert not point.is_closed()


def test_tc_068_another_card_does_not_stop_it(point: Station, central: Central) -> None:
    """A stranger's card: no Authorize, no stop; the starting card stops without Authorize."""
    point.booted()
    central.call("ChangeAvailability", connectorId=2, type="Inoperative")
    central.expect_status(2, "Unavailable")
    point.charging()
    point.tap(OTHER)
    central.never("Authorize")
    central.never("StopTransaction", for_s=0.1)
    assert point.is_closed()
    point.tap(CARD)
    stop = central.expect("StopTransaction", reason="Local")
    assert stop["idTag"] == CARD
    central.never("Authorize", for_s=0.1)


@pytest.mark.parametrize("learnt_from", ["Authorize", "StartTransaction"])
def test_tc_069_a_card_of_the_same_parent_stops_it(
    point: Station, central: Central, learnt_from: str
) -> None:
    """The second card is authorised; parents equal: its tag is in StopTransaction."""
    point.booted()
    if learnt_from == "Authorize":
        central.answers["Authorize"] = GROUP
    else:
        central.answers["StartTransaction"] = {**GROUP, "transactionId": 77}
    point.charging()
    point.transaction()
    central.answers["Authorize"] = GROUP
    point.tap(OTHER)
    central.expect("Authorize", idTag=OTHER)
    stop = central.expect("StopTransaction", reason="Local")
    assert stop["idTag"] == OTHER
    central.expect_status(1, "Finishing")


def test_tc_005_1_the_car_is_unplugged(point: Station, central: Central) -> None:
    """Unplugged at the car: StopTransaction(EVDisconnected), Finishing, then Available."""
    point.booted()
    assert point.value("StopTransactionOnEVSideDisconnect") == "true"
    assert point.value("UnlockConnectorOnEVSideDisconnect") == "true"
    start = point.charging()
    point.unplug(side="ev")
    stop = central.expect("StopTransaction", reason="EVDisconnected", after=start)
    central.expect_status(1, "Finishing")
    assert not point.is_closed()
    point.wait(lock="unlocked")
    point.unplug()
    central.expect_status(1, "Available", after=stop)


def test_tc_005_2_the_cable_stays_locked(point: Station, central: Central) -> None:
    """UnlockConnectorOnEVSideDisconnect=false: stopped, still locked until UnlockConnector."""
    point.booted()
    point.configure("UnlockConnectorOnEVSideDisconnect", value=False)
    point.charging()
    point.unplug(side="ev")
    central.expect("StopTransaction", reason="EVDisconnected")
    central.expect_status(1, "Finishing")
    assert point.lock() == "locked"
    assert central.call("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    point.wait(lock="unlocked")


def test_tc_007_1_a_cached_card_starts_at_once(point: Station, central: Central) -> None:
    """Cache and LocalPreAuthorize on: the card starts without Authorize."""
    point.booted()
    point.configure("LocalPreAuthorize", value=True)
    point.cached()
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect("StartTransaction", idTag=CARD)
    central.expect_status(1, "Charging")
    central.never("Authorize", for_s=0.1)


def test_tc_007_2_a_cached_tag_starts_from_afar(point: Station, central: Central) -> None:
    """The same by RemoteStartTransaction with AuthorizeRemoteTxRequests on."""
    point.booted()
    point.configure("LocalPreAuthorize", value=True)
    point.configure("AuthorizeRemoteTxRequests", value=True)
    point.cached()
    point.plug()
    central.expect_status(1, "Preparing")
    answer = central.call("RemoteStartTransaction", connectorId=1, idTag=CARD)
    assert answer == {"status": "Accepted"}
    central.expect("StartTransaction", idTag=CARD)
    central.never("Authorize", for_s=0.1)


def test_tc_061_1_a_cleared_cache_asks_again(point: Station, central: Central) -> None:
    """After ClearCache the same card needs Authorize."""
    point.booted()
    point.configure("LocalPreAuthorize", value=True)
    point.cached()
    assert central.call("ClearCache") == {"status": "Accepted"}
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    authorize = central.expect("Authorize", idTag=CARD)
    central.expect("StartTransaction", idTag=CARD, after=authorize)


def test_tc_061_2_a_cleared_cache_asks_again_from_afar(point: Station, central: Central) -> None:
    """After ClearCache a remote start needs Authorize, if that is configured."""
    point.booted()
    point.configure("LocalPreAuthorize", value=True)
    point.configure("AuthorizeRemoteTxRequests", value=True)
    point.cached()
    assert central.call("ClearCache") == {"status": "Accepted"}
    point.plug()
    central.expect_status(1, "Preparing")
    central.call("RemoteStartTransaction", connectorId=1, idTag=CARD)
    authorize = central.expect("Authorize", idTag=CARD)
    central.expect("StartTransaction", idTag=CARD, after=authorize)


def test_r_2_1_an_entry_past_its_expiry_asks_again(point: Station, central: Central) -> None:
    """A cached tag whose expiryDate has passed is authorised anew."""
    central.answers["StartTransaction"] = _expiring
    central.answers["Authorize"] = {"idTagInfo": {"status": "Accepted"}}
    point.booted()
    point.configure("LocalPreAuthorize", value=True)
    point.cached()
    point.sim("clock", offset_s=0.001)  # no NTP here: what the central system says counts
    later = datetime.now(UTC) + timedelta(hours=2)
    central.answers["Heartbeat"] = {"currentTime": later.isoformat(timespec="seconds")}
    central.call("TriggerMessage", requestedMessage="Heartbeat")
    central.expect("Heartbeat")
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect("Authorize", idTag=CARD)


def _expiring(_: Payload) -> Payload:
    soon = datetime.now(UTC) + timedelta(hours=1)
    info = {"status": "Accepted", "expiryDate": soon.isoformat(timespec="seconds")}
    return {"idTagInfo": info, "transactionId": 5}


@pytest.mark.parametrize("status", ["Invalid", "Blocked", "Expired", "ConcurrentTx"])
def test_tc_023_a_card_that_may_not(point: Station, central: Central, status: str) -> None:
    """Authorize refused: nothing starts, the status stays Preparing."""
    point.booted()
    central.answers["Authorize"] = {"idTagInfo": {"status": status}}
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect("Authorize", idTag=CARD)
    central.never("StartTransaction")
    assert not central.untaken("StatusNotification")
    assert not point.is_closed()


@pytest.mark.parametrize("status", ["Invalid", "Blocked", "Expired"])
def test_tc_023_4_a_remote_tag_that_may_not(point: Station, central: Central, status: str) -> None:
    """The same after RemoteStartTransaction with AuthorizeRemoteTxRequests on."""
    point.booted()
    point.configure("AuthorizeRemoteTxRequests", value=True)
    central.answers["Authorize"] = {"idTagInfo": {"status": status}}
    point.plug()
    central.expect_status(1, "Preparing")
    answer = central.call("RemoteStartTransaction", connectorId=1, idTag=CARD)
    assert answer == {"status": "Accepted"}
    central.expect("Authorize", idTag=CARD)
    central.never("StartTransaction")
    assert not point.is_closed()


def test_tc_024_the_lock_fails(point: Station, central: Central) -> None:
    """Not locked: Faulted(ConnectorLockFailure), no start; Available when pulled."""
    point.booted()
    point.sim("lock", connector=1, mode="fail_lock")
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect("Authorize")
    central.expect_status(1, "Faulted", errorCode="ConnectorLockFailure")
    central.never("StartTransaction", for_s=0.1)
    assert not point.is_closed()
    point.sim("lock", connector=1, mode="ok")
    point.unplug()
    central.expect_status(1, "Available", errorCode="NoError")


def test_r_2_2_a_card_in_finishing_stops_nothing(point: Station, central: Central) -> None:
    """Finishing: a stranger's card stops nothing again; unplugged: Available."""
    point.booted()
    central.call("ChangeAvailability", connectorId=2, type="Inoperative")
    central.expect_status(2, "Unavailable")
    point.charging()
    point.tap()
    central.expect("StopTransaction")
    central.expect_status(1, "Finishing")
    point.tap(OTHER)
    central.never("StopTransaction")
    point.unplug()
    central.expect_status(1, "Available")


def test_r_2_3_one_reader_two_connectors(point: Station, central: Central) -> None:
    """Card 1 and plug 1, card 2 and plug 2; each card stops its own."""
    point.booted()
    for connector, tag in ((1, CARD), (2, OTHER)):
        point.tap(tag)
        central.expect("Authorize", idTag=tag)
        point.plug(connector)
        central.expect("StartTransaction", connectorId=connector, idTag=tag)
        central.expect_status(connector, "Charging")
    numbers = {tag: point.transaction(n) for n, tag in ((1, CARD), (2, OTHER))}
    for connector, tag in ((2, OTHER), (1, CARD)):
        point.tap(tag)
        stop = central.expect("StopTransaction", transactionId=numbers[tag])
        assert stop["idTag"] == tag
        central.expect_status(connector, "Finishing")


def test_r_2_4_an_empty_id_tag_info_is_survived(point: Station, central: Central) -> None:
    """An Authorize.conf with empty idTagInfo starts nothing; the next card is asked about."""
    point.booted()
    central.answers["Authorize"] = {"idTagInfo": {}}
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect("Authorize", idTag=CARD)
    central.never("StartTransaction", for_s=0.3)
    central.answers.pop("Authorize")
    point.tap(OTHER)
    central.expect("Authorize", idTag=OTHER)
    central.expect("StartTransaction", idTag=OTHER)


def test_r_2_5_a_deauthorised_cable_stays_locked(point: Station, central: Central) -> None:
    """After DeAuthorized the cable is kept until the same tag is shown (errata 3.5)."""
    point.booted()
    central.answers["StartTransaction"] = {"idTagInfo": {"status": "Invalid"}, "transactionId": 9}
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    stop = central.expect("StopTransaction", transactionId=9)
    assert stop["reason"] == "DeAuthorized"
    central.expect_status(1, "Finishing")
    assert point.lock() == "locked"
    point.tap(THIRD)
    central.never("StopTransaction", for_s=0.3)
    assert point.lock() == "locked"
    point.tap(CARD)
    point.wait(lock="unlocked")


KEPT = {"StopTransactionOnEVSideDisconnect": False, "UnlockConnectorOnEVSideDisconnect": False}


def test_tc_005_3_the_session_outlives_the_car(point: Station, central: Central) -> None:
    """The owner lets sessions last: SuspendedEV with its info; RemoteStop ends it."""
    point.booted(ocpp=KEPT)
    start = point.charging()
    number = point.transaction()
    point.unplug(side="ev")
    gone = central.expect_status(1, "SuspendedEV", info="EV side disconnected", after=start)
    central.never("StopTransaction", for_s=0.3)
    answer = central.call("RemoteStopTransaction", transactionId=number)
    assert answer == {"status": "Accepted"}
    central.expect("StopTransaction", transactionId=number, reason="Remote")
    central.expect_status(1, "Finishing", after=gone)


def test_r_2_6_no_energy_until_the_car_asks(point: Station, central: Central) -> None:
    """EV side disconnected: contactor open at once; back and asking: closed again."""
    point.booted(ocpp=KEPT)
    start = point.charging()
    point.unplug(side="ev")
    gone = central.expect_status(1, "SuspendedEV", info="EV side disconnected", after=start)
    point.wait(contactor_closed=False)
    point.sim("ev", connector=1, state="B")
    point.plug(side="ev")
    point.wait(pilot="B")
    assert not point.is_closed()
    point.sim("ev", connector=1, state="C")
    central.expect_status(1, "Charging", after=gone)
    point.wait(contactor_closed=True)

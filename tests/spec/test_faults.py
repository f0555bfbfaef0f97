"""Checklist 7: statuses and faults, and DataTransfer."""

from __future__ import annotations

import pytest

from tests.spec.central import Answer, Central, Refusal, Silent
from tests.spec.station import CARD, Station

REJECTED = {"status": "Rejected"}


def test_tc_041_nothing_begins_on_a_faulted_connector(point: Station, central: Central) -> None:
    """Faulted with its code; card, plug, remote start: nothing; cleared: the real status."""
    point.booted()
    point.sim("fault", connector=1, code="rcd")
    faulted = central.expect_status(1, "Faulted", errorCode="GroundFailure")
    answer = central.call("RemoteStartTransaction", connectorId=1, idTag=CARD)
    assert answer == REJECTED
    point.plug()
    point.sim("card", uid=CARD, connectors=[1])
    central.never("StartTransaction")
    assert not point.is_closed()
    assert central.statuses(1)[-1] == "Faulted"
    point.sim("clear", connector=1)
    after = central.expect_status(1, "Preparing", after=faulted, within_s=15)
    assert after["errorCode"] == "NoError"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("contactor_welded", "PowerSwitchFailure"),
        ("rcd", "GroundFailure"),
        ("overtemp", "HighTemperature"),
        ("PowerMeterFailure", "PowerMeterFailure"),
    ],
)
def test_r_7_5_each_fault_has_its_code(
    point: Station, central: Central, code: str, told: str
) -> None:
    """Faulted with the right errorCode; mended (a meter is probed each 30 s): NoError."""
    point.booted()
    point.sim("fault", connector=1, code=code)
    faulted = central.expect_status(1, "Faulted", errorCode=told, within_s=25)
    assert central.statuses(2) == ["Available"]
    point.sim("clear", connector=1)
    central.expect_status(1, "Available", errorCode="NoError", after=faulted, within_s=50)


def test_r_7_6_a_dead_reader_is_a_warning(point: Station, central: Central) -> None:
    """Status 0 with ReaderFailure, still Available; a remote start works."""
    point.booted()
    point.sim("reader.fail", reader=0, on=True)
    central.expect_status(0, "Available", errorCode="ReaderFailure", within_s=25)
    point.plug()
    central.expect_status(1, "Preparing")
    answer = central.call("RemoteStartTransaction", connectorId=1, idTag=CARD)
    assert answer == {"status": "Accepted"}
    central.expect("StartTransaction")
    point.sim("reader.fail", reader=0, on=False)
    central.expect_status(0, "Available", errorCode="NoError", within_s=20)


def test_r_7_7_the_emergency_stop(point: Station, central: Central) -> None:
    """Contactor open, Stop(EmergencyStop), Faulted."""
    point.booted()
    point.charging()
    point.sim("button", name="estop", action="hold")
    central.expect_status(1, "Faulted")
    stop = central.expect("StopTransaction")
    assert stop["reason"] == "EmergencyStop"
    assert not point.is_closed()


def test_r_7_8_the_car_pauses(point: Station, central: Central) -> None:
    """Not asking: SuspendedEV, contactor open; asking again: Charging."""
    point.booted()
    start = point.charging()
    point.sim("ev", connector=1, state="B")
    suspended = central.expect_status(1, "SuspendedEV", after=start)
    point.wait(contactor_closed=False)
    central.never("StopTransaction", for_s=0.1)
    point.sim("ev", connector=1, state="C")
    central.expect_status(1, "Charging", after=suspended)
    point.wait(contactor_closed=True)


def test_r_7_9_the_station_gives_nothing(point: Station, central: Central) -> None:
    """Deauthorised and not stopped: SuspendedEVSE, also when the car does not ask."""
    central.answers["StartTransaction"] = {"idTagInfo": {"status": "Blocked"}, "transactionId": 3}
    point.booted(ocpp={"StopTransactionOnInvalidId": False})
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect_status(1, "SuspendedEVSE")
    central.forget()
    point.sim("ev", connector=1, state="B")
    point.wait(contactor_closed=False, pilot="B")
    central.never("StatusNotification", status="SuspendedEV", for_s=0.3)
    assert central.statuses(1)[-1] == "SuspendedEVSE"


def test_r_7_10_a_short_status_is_not_told(point: Station, central: Central) -> None:
    """Plugged and unplugged within MinimumStatusDuration: nothing; longer: told, with its time."""
    point.booted()
    point.configure("MinimumStatusDuration", 2)
    point.plug()
    point.wait(status="Preparing")
    point.unplug()
    point.wait(status="Available")
    central.never("StatusNotification", for_s=2.5)
    point.plug()
    central.expect_status(1, "Preparing")


def test_tc_062_data_of_an_unknown_vendor(point: Station, central: Central) -> None:
    """UnknownVendorId."""
    point.booted()
    answer = central.call("DataTransfer", vendorId="com.example.nobody", messageId="x", data="y")
    assert answer == {"status": "UnknownVendorId"}


def test_r_7_11_data_of_our_own(point: Station, central: Central) -> None:
    """The answer's status reaches who asked; nonsense counts as Rejected, no line is an error."""
    point.booted()
    for status in ("Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"):
        central.answers["DataTransfer"] = {"status": status, "data": "so"}
        told = point.sim("ocpp.datatransfer", vendorId="com.example", messageId="m", data="d")
        assert (told["status"], told["data"]) == (status, "so")
        central.expect("DataTransfer", vendorId="com.example", messageId="m", data="d")
    assert point.transfer("com.example") == (1, 'UnknownVendorId "so"\n', "")
    central.answers["DataTransfer"] = {"status": "Accepted"}
    assert point.transfer("com.example", "--data", "x") == (0, "Accepted\n", "")
    nonsense: tuple[Answer, ...] = ({"status": "Perhaps"}, {}, {"status": 5}, Refusal())
    for answer in nonsense:
        central.answers["DataTransfer"] = answer
        assert point.sim("ocpp.datatransfer", vendorId="com.example")["status"] == "Rejected"
    central.answers["DataTransfer"] = Silent()
    code, said, why = point.transfer("com.example")
    assert (code, said) == (2, "")
    assert "did not answer" in why
    point.cut_off()
    code, said, why = point.transfer("com.example")
    assert (code, said) == (2, "")
    assert "cannot be reached" in why

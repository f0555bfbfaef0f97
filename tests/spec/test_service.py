"""Checklist 4: reset, unlock, in and out of service."""

from __future__ import annotations

from tests.spec.central import Central, Silent
from tests.spec.station import CARD, OTHER, Station

ACCEPTED = {"status": "Accepted"}


def change(central: Central, connector: int, wanted: str) -> str:
    """ChangeAvailability; its status."""
    asked = {"connectorId": connector, "type": wanted}
    return str(central.call("ChangeAvailability", asked)["status"])


def reset_keeps_what_is_out_of_service(point: Station, central: Central, kind: str) -> None:
    """Inoperative on 1, Reset, boot: still Unavailable; Operative: Available."""
    point.booted()
    assert change(central, 1, "Inoperative") == "Accepted"
    central.expect_status(1, "Unavailable")
    assert central.call("Reset", type=kind) == ACCEPTED
    boot = central.expect("BootNotification", within_s=15)
    for connector, status in ((0, "Available"), (1, "Unavailable"), (2, "Available")):
        central.expect_status(connector, status, after=boot)
    assert change(central, 1, "Operative") == "Accepted"
    central.expect_status(1, "Available", after=boot)


def test_tc_013_hard_reset_idle(point: Station, central: Central) -> None:
    """Reset Hard: boot, availability kept."""
    reset_keeps_what_is_out_of_service(point, central, "Hard")


def test_tc_014_soft_reset_idle(point: Station, central: Central) -> None:
    """Reset Soft: the same."""
    reset_keeps_what_is_out_of_service(point, central, "Soft")


def test_tc_015_hard_reset_while_charging(point: Station, central: Central) -> None:
    """Reset Hard: Stop(HardReset), boot; where the plug is: Preparing, else Available."""
    point.booted()
    point.charging()
    number = point.transaction()
    assert central.call("Reset", type="Hard") == ACCEPTED
    boot = central.expect("BootNotification", within_s=20)
    stop = central.expect("StopTransaction", transactionId=number, within_s=15)
    assert stop["reason"] == "HardReset"
    central.expect_status(1, "Preparing", after=boot)
    central.expect_status(2, "Available", after=boot)
    assert not point.is_closed()


def test_tc_016_soft_reset_while_charging(point: Station, central: Central) -> None:
    """Reset Soft: Stop(SoftReset) and Finishing before the restart, then boot."""
    point.booted()
    point.charging()
    number = point.transaction()
    assert central.call("Reset", type="Soft") == ACCEPTED
    stop = central.expect("StopTransaction", transactionId=number, within_s=15)
    assert stop["reason"] == "SoftReset"
    boot = central.expect("BootNotification", within_s=20, after=stop)
    finishing = central.expect_status(1, "Finishing")
    assert finishing.seq < boot.seq
    assert "Unavailable" not in central.statuses(1)
    central.expect_status(1, "Preparing", after=boot)


def test_r_4_1_a_second_reset_is_rejected(point: Station, central: Central) -> None:
    """While a reset waits for its session to end, another is Rejected."""
    point.booted()
    point.charging()
    point.transaction()
    central.answers["StopTransaction"] = Silent()
    assert central.call("Reset", type="Soft") == ACCEPTED
    assert central.call("Reset", type="Soft") == {"status": "Rejected"}
    assert central.call("Reset", type="Hard") == {"status": "Rejected"}


def test_tc_017_1_unlock_idle(point: Station, central: Central) -> None:
    """With a lock: Unlocked."""
    point.booted()
    assert central.call("UnlockConnector", connectorId=1) == {"status": "Unlocked"}


def test_tc_018_1_unlock_in_a_session(point: Station, central: Central) -> None:
    """Stop(UnlockCommand), Unlocked, Finishing; unplugged: Available."""
    point.booted()
    point.charging()
    assert point.lock() == "locked"
    assert central.call("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    central.expect("StopTransaction", reason="UnlockCommand")
    finishing = central.expect_status(1, "Finishing")
    assert point.lock() == "unlocked"
    assert not point.is_closed()
    point.unplug()
    central.expect_status(1, "Available", after=finishing)


def test_tc_030_the_lock_is_jammed(point: Station, central: Central) -> None:
    """A lock that does not move: UnlockFailed."""
    point.booted()
    point.charging()
    point.sim("lock", connector=1, mode="fail_unlock")
    answer = central.call_within("UnlockConnector", {"connectorId": 1}, 15)
    assert answer == {"status": "UnlockFailed"}
    central.expect("StopTransaction", reason="UnlockCommand")
    assert not point.is_closed()


def test_tc_031_unlock_what_is_not_there(point: Station, central: Central) -> None:
    """An unknown connector: NotSupported."""
    point.booted()
    assert central.call("UnlockConnector", connectorId=3) == {"status": "NotSupported"}


def test_r_4_2_the_same_wish_twice(point: Station, central: Central) -> None:
    """Inoperative twice: Accepted, no second status; Operative: Available."""
    point.booted()
    assert change(central, 1, "Inoperative") == "Accepted"
    central.expect_status(1, "Unavailable")
    assert change(central, 1, "Inoperative") == "Accepted"
    central.never("StatusNotification", for_s=0.3)
    assert change(central, 1, "Operative") == "Accepted"
    central.expect_status(1, "Available")
    assert change(central, 1, "Operative") == "Accepted"
    central.never("StatusNotification", for_s=0.3)


def test_r_4_3_connector_zero_is_all(point: Station, central: Central) -> None:
    """0 and every connector are told, both ways."""
    point.booted()
    for wanted, status in (("Inoperative", "Unavailable"), ("Operative", "Available")):
        assert change(central, 0, wanted) == "Accepted"
        for connector in (0, 1, 2):
            central.expect_status(connector, status)


def test_r_4_4_busy_means_scheduled(point: Station, central: Central) -> None:
    """In a session or plugged: Scheduled; the free one at once, the busy one later."""
    point.booted()
    start = point.charging()
    assert change(central, 0, "Inoperative") == "Scheduled"
    central.expect_status(0, "Unavailable")
    central.expect_status(2, "Unavailable")
    assert point.is_closed()
    assert change(central, 1, "Inoperative") == "Scheduled"
    assert "Unavailable" not in central.statuses(1)
    point.unplug(side="ev")
    central.expect("StopTransaction", reason="EVDisconnected", after=start)
    point.unplug()
    central.expect_status(1, "Unavailable")
    assert change(central, 0, "Operative") == "Accepted"
    central.expect_status(1, "Available", after=start)
    point.plug()
    central.expect_status(1, "Preparing", after=start)
    assert change(central, 1, "Inoperative") == "Scheduled"
    assert change(central, 1, "Operative") == "Accepted"
    point.unplug()
    central.expect_status(1, "Available", after=start)


def test_r_4_5_nothing_starts_out_of_service(point: Station, central: Central) -> None:
    """Unavailable: no card and no remote start begins anything."""
    point.booted()
    assert change(central, 0, "Inoperative") == "Accepted"
    central.expect_status(1, "Unavailable")
    answer = central.call("RemoteStartTransaction", connectorId=1, idTag=OTHER)
    assert answer == {"status": "Rejected"}
    point.plug()
    point.tap(CARD)
    central.never("Authorize")
    central.never("StartTransaction", for_s=0.1)
    assert not point.is_closed()


def test_r_4_6_an_unknown_connector(point: Station, central: Central) -> None:
    """ChangeAvailability of a connector we have not got: Rejected."""
    point.booted()
    assert change(central, 3, "Inoperative") == "Rejected"
    central.never("StatusNotification", for_s=0.2)


def test_tc_017_2_unlock_without_lock(point: Station, central: Central) -> None:
    """A fixed cable: NotSupported."""
    point.sim("lock", connector=1, mode="absent")
    point.booted()
    assert central.call("UnlockConnector", connectorId=1) == {"status": "NotSupported"}


def test_tc_018_2_unlock_without_lock_in_a_session(point: Station, central: Central) -> None:
    """A fixed cable: NotSupported, the transaction goes on."""
    point.sim("lock", connector=1, mode="absent")
    point.booted()
    point.charging()
    assert central.call("UnlockConnector", connectorId=1) == {"status": "NotSupported"}
    central.never("StopTransaction", for_s=0.2)
    assert point.is_closed()

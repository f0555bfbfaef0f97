"""Checklist 10: smart charging, what is accepted and what reaches the car."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.spec.central import Central, moment
from tests.spec.profiles import composite, limits, profile, put, schedule
from tests.spec.station import CARD, Station

ACCEPTED = {"status": "Accepted"}
REJECTED = {"status": "Rejected"}


def offered(point: Station, at_least: float, at_most: float, connector: int = 1) -> None:
    """Wait until the pilot offers so many amperes."""
    path = f"connectors.{connector}.offered_a"
    point.sim("wait", condition={path: {"gte": at_least}}, timeout_s=8)
    point.sim("wait", condition={path: {"lte": at_most}}, timeout_s=8)


def test_r_5_3_keys_of_smart_charging(point: Station, central: Central) -> None:
    """All four are read-only; the units are named Current and Power."""
    point.booted()
    told = central.call("GetConfiguration")["configurationKey"]
    shown = {each["key"]: each["readonly"] for each in told}
    for key in (
        "ChargeProfileMaxStackLevel",
        "ChargingScheduleAllowedChargingRateUnit",
        "ChargingScheduleMaxPeriods",
        "MaxChargingProfilesInstalled",
    ):
        assert shown.get(key) is True, key
    units = (point.value("ChargingScheduleAllowedChargingRateUnit") or "").split(",")
    assert set(units) <= {"Current", "Power"}
    assert "SmartCharging" in (point.value("SupportedFeatureProfiles") or "").split(",")


def test_tc_056_a_default_before_the_session(point: Station, central: Central) -> None:
    """TxDefaultProfile Absolute: Accepted, shown from now, obeyed by the session."""
    point.booted()
    wanted = profile(1, "TxDefaultProfile", schedule((0, 10), duration=300))
    assert put(central, 1, wanted) == "Accepted"
    answer = central.call("GetCompositeSchedule", connectorId=1, duration=120, chargingRateUnit="A")
    assert (answer["status"], answer["connectorId"]) == ("Accepted", 1)
    start = moment(answer["scheduleStart"])
    assert abs(start - datetime.now(UTC)) < timedelta(seconds=5)
    shown = answer["chargingSchedule"]
    assert shown["duration"] == 120
    assert shown["chargingRateUnit"] == "A"
    assert shown["chargingSchedulePeriod"][0]["startPeriod"] == 0
    assert shown["chargingSchedulePeriod"][0]["limit"] == 10
    point.charging()
    offered(point, 9.5, 10.5)


def test_tc_057_a_profile_for_the_session(point: Station, central: Central) -> None:
    """TxProfile with its transactionId: Accepted and obeyed."""
    point.booted()
    point.charging()
    number = point.transaction()
    wanted = profile(1, "TxProfile", schedule((0, 8), duration=300), transactionId=number)
    assert put(central, 1, wanted) == "Accepted"
    offered(point, 7.5, 8.5)
    assert limits(composite(central, 1, 60))[0] == (0, 8)
    point.tap()
    central.expect("StopTransaction")
    assert limits(composite(central, 1, 60))[0] != (0, 8)


def test_tc_058_1_no_session(point: Station, central: Central) -> None:
    """TxProfile without a transaction: Rejected."""
    point.booted()
    wanted = profile(1, "TxProfile", schedule((0, 8), duration=300))
    assert put(central, 1, wanted) == "Rejected"


def test_tc_058_2_another_session(point: Station, central: Central) -> None:
    """TxProfile for a foreign transactionId: Rejected."""
    point.booted()
    point.charging()
    number = point.transaction()
    wanted = profile(1, "TxProfile", schedule((0, 8), duration=300), transactionId=number + 1)
    assert put(central, 1, wanted) == "Rejected"


def test_tc_082_a_default_during_the_session(point: Station, central: Central) -> None:
    """TxDefaultProfile counts at once, and stops counting when cleared."""
    point.booted()
    point.charging()
    offered(point, 30, 33)
    wanted = profile(1, "TxDefaultProfile", schedule((0, 9), duration=300))
    assert put(central, 1, wanted) == "Accepted"
    offered(point, 8.5, 9.5)
    assert central.call("ClearChargingProfile", id=1) == ACCEPTED
    offered(point, 30, 33)


def test_tc_059_a_remote_start_with_its_profile(point: Station, central: Central) -> None:
    """TxProfile without transactionId in RemoteStart: in force for that session."""
    point.booted()
    wanted = profile(1, "TxProfile", schedule((0, 7)), kind="Relative")
    asked = {"connectorId": 1, "idTag": CARD, "chargingProfile": wanted}
    point.plug()
    central.expect_status(1, "Preparing")
    assert central.call("RemoteStartTransaction", asked) == ACCEPTED
    central.expect("StartTransaction", idTag=CARD)
    central.expect_status(1, "Charging")
    offered(point, 6.5, 7.5)
    assert limits(composite(central, 1, 60))[0] == (0, 7)


def test_tc_060_a_remote_start_with_another_purpose(point: Station, central: Central) -> None:
    """TxDefaultProfile in RemoteStart: the whole request is Rejected."""
    point.booted()
    wanted = profile(1, "TxDefaultProfile", schedule((0, 7)), kind="Relative")
    asked = {"connectorId": 1, "idTag": CARD, "chargingProfile": wanted}
    assert central.call("RemoteStartTransaction", asked) == REJECTED
    point.plug()
    central.expect_status(1, "Preparing")
    central.never("StartTransaction", for_s=0.3)


def test_r_10_10_what_cannot_be(point: Station, central: Central) -> None:
    """Levels, periods, purposes and first periods that are not allowed: Rejected."""
    point.booted()
    most = int(point.value("ChargeProfileMaxStackLevel") or 0)
    periods = int(point.value("ChargingScheduleMaxPeriods") or 0)
    long = schedule(*((second, 8) for second in range(periods + 1)))
    late: dict[str, Any] = schedule((5, 8), duration=60)
    day = schedule((0, 8))
    for connector, wanted in (
        (1, profile(1, "TxDefaultProfile", day, level=most + 1)),
        (1, profile(1, "TxDefaultProfile", long)),
        (1, profile(1, "ChargePointMaxProfile", day)),
        (0, profile(1, "TxProfile", day, transactionId=1)),
        (1, profile(1, "TxDefaultProfile", late)),
    ):
        assert put(central, connector, wanted) == "Rejected", (connector, wanted)
    assert central.call("ClearChargingProfile") == {"status": "Unknown"}


def test_r_10_11_an_unknown_connector(point: Station, central: Central) -> None:
    """SetChargingProfile on connector 3: PropertyConstraintViolation."""
    point.booted()
    wanted = profile(1, "TxDefaultProfile", schedule((0, 8)))
    asked = {"connectorId": 3, "csChargingProfiles": wanted}
    assert central.refusal_of("SetChargingProfile", asked) == "PropertyConstraintViolation"


def test_r_10_13_below_six_amperes_is_a_pause(point: Station, central: Central) -> None:
    """Limit 0: contactor open, SuspendedEVSE; lifted: Charging."""
    point.booted()
    start = point.charging()
    wanted = profile(1, "TxDefaultProfile", schedule((0, 0)))
    assert put(central, 1, wanted) == "Accepted"
    paused = central.expect_status(1, "SuspendedEVSE", after=start)
    point.wait(contactor_closed=False)
    assert central.call("ClearChargingProfile", id=1) == ACCEPTED
    central.expect_status(1, "Charging", after=paused)
    point.wait(contactor_closed=True)
    lower = profile(2, "TxDefaultProfile", schedule((0, 5)))
    assert put(central, 1, lower) == "Accepted"
    central.expect_status(1, "SuspendedEVSE")


def test_r_10_14_profiles_survive_a_reboot(point: Station, central: Central) -> None:
    """Set, power cut, still there."""
    point.booted()
    assert put(central, 1, profile(1, "TxDefaultProfile", schedule((0, 11)))) == "Accepted"
    point.sim("power", mode="kill")
    point.await_exit()
    point.restart()
    boot = central.expect("BootNotification")
    central.expect_status(1, "Available", after=boot)
    assert limits(composite(central, 1, 60)) == [(0, 11)]


def test_r_10_15_offline_they_stay_in_force(point: Station, central: Central) -> None:
    """The line is away: the session still obeys."""
    point.booted()
    assert put(central, 1, profile(1, "TxDefaultProfile", schedule((0, 12)))) == "Accepted"
    point.charging()
    point.cut_off()
    offered(point, 11.5, 12.5)
    point.tap()
    point.wait(session=None)
    point.reconnect()
    central.expect("StopTransaction")

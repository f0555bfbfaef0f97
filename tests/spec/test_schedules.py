"""Checklist 10: composite schedules, what several profiles say together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.spec.central import Central
from tests.spec.profiles import composite, is_near, limits, profile, put, schedule
from tests.spec.station import Station

ACCEPTED = {"status": "Accepted"}
HARDWARE_A = 32


def at(seconds: float) -> str:
    """A moment so many seconds from now."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_tc_066_three_purposes(point: Station, central: Central) -> None:
    """Max 10 A on 0, a TxDefault and a TxProfile: the lower of Max and the Tx in force."""
    point.booted()
    point.charging()
    number = point.transaction()
    most = profile(1, "ChargePointMaxProfile", schedule((0, 10)))
    default = profile(
        2,
        "TxDefaultProfile",
        schedule((0, 6), (60, 10), (120, 8), (180, 25), (260, 8), duration=300),
    )
    own = profile(
        3,
        "TxProfile",
        schedule((0, 8), (50, 11), (140, 16), (200, 6), (240, 12), duration=260),
        transactionId=number,
    )
    assert put(central, 0, most) == "Accepted"
    assert put(central, 1, default) == "Accepted"
    assert put(central, 1, own) == "Accepted"
    expected = [(0, 8), (50, 10), (200, 6), (240, 10), (260, 8), (300, 10)]
    found = limits(composite(central, 1, 350))
    assert is_near(found, expected, within_s=4), found


def test_tc_072_stack_levels(point: Station, central: Central) -> None:
    """The higher level while its duration lasts, then the lower."""
    point.booted()
    low = schedule((0, 6), (50, 5), (100, 8), (200, 10), duration=400)
    high = schedule((0, 7), (100, 9), duration=150)
    assert put(central, 1, profile(1, "TxDefaultProfile", low, level=0)) == "Accepted"
    assert put(central, 1, profile(2, "TxDefaultProfile", high, level=1)) == "Accepted"
    found = limits(composite(central, 1, 350))
    assert is_near(found, [(0, 7), (100, 9), (150, 8), (200, 10)], within_s=4), found


def test_tc_067_clearing(point: Station, central: Central) -> None:
    """By id, by purpose and level, all; each time the next limit; Unknown at the end."""
    point.booted()
    assert put(central, 0, profile(1, "ChargePointMaxProfile", schedule((0, 15)))) == "Accepted"
    low = profile(2, "TxDefaultProfile", schedule((0, 10)), level=0)
    high = profile(3, "TxDefaultProfile", schedule((0, 8)), level=1)
    assert put(central, 1, low) == "Accepted"
    assert put(central, 1, high) == "Accepted"
    assert limits(composite(central, 1, 60)) == [(0, 8)]
    assert central.call("ClearChargingProfile", id=3) == ACCEPTED
    assert limits(composite(central, 1, 60)) == [(0, 10)]
    assert central.call("ClearChargingProfile", id=3) == {"status": "Unknown"}
    asked = {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}
    assert central.call("ClearChargingProfile", asked) == ACCEPTED
    assert limits(composite(central, 1, 60)) == [(0, 15)]
    point.sim("power", mode="kill")
    point.await_exit()
    point.restart()
    boot = central.expect("BootNotification")
    central.expect_status(1, "Available", after=boot)
    assert limits(composite(central, 1, 60)) == [(0, 15)]
    assert central.call("ClearChargingProfile") == ACCEPTED
    assert limits(composite(central, 1, 60)) == [(0, HARDWARE_A)]
    assert central.call("ClearChargingProfile") == {"status": "Unknown"}


def test_r_10_4_relative_counts_from_the_start(point: Station, central: Central) -> None:
    """A Relative TxProfile: its periods begin with the transaction."""
    point.booted()
    plan = schedule((0, 9), (100, 7))
    wanted = profile(1, "TxDefaultProfile", plan, kind="Relative")
    assert put(central, 1, wanted) == "Accepted"
    point.charging()
    found = limits(composite(central, 1, 200))
    assert [limit for _, limit in found] == [9, 7]
    assert 80 <= found[1][0] <= 101


def test_r_10_5_watts_and_amperes(point: Station, central: Central) -> None:
    """A limit in W shows in A by voltage and phases, and the other way round."""
    point.booted()
    watts = profile(1, "TxDefaultProfile", schedule((0, 2300), unit="W", phases=1))
    assert put(central, 1, watts) == "Accepted"
    assert limits(composite(central, 1, 60)) == [(0, 10)]
    assert limits(composite(central, 1, 60, "W")) == [(0, 2300)]


def test_r_10_6_defaults_by_connector(point: Station, central: Central) -> None:
    """TxDefault on 0 is for all; the one on connector 1 beats it there."""
    point.booted()
    assert put(central, 0, profile(1, "TxDefaultProfile", schedule((0, 16)))) == "Accepted"
    assert put(central, 1, profile(2, "TxDefaultProfile", schedule((0, 20)))) == "Accepted"
    assert limits(composite(central, 1, 60)) == [(0, 20)]
    assert limits(composite(central, 2, 60)) == [(0, 16)]


def test_r_10_7_recurring(point: Station, central: Central) -> None:
    """Without kind or start: Rejected; Daily from yesterday is in force, gaps fall through."""
    point.booted()
    plan = schedule((0, 8), duration=120)
    bare = profile(1, "TxDefaultProfile", {**plan, "startSchedule": at(0)}, kind="Recurring")
    assert put(central, 1, bare) == "Rejected"
    unstarted = profile(1, "TxDefaultProfile", plan, kind="Recurring", recurrencyKind="Daily")
    assert put(central, 1, unstarted) == "Rejected"
    assert put(central, 1, profile(1, "TxDefaultProfile", schedule((0, 16)))) == "Accepted"
    for level, (every, days, amps) in enumerate((("Daily", 1, 8), ("Weekly", 7, 9)), start=1):
        begun = {**schedule((0, amps), duration=120), "startSchedule": at(-days * 86_400 - 60)}
        wanted = profile(
            2, "TxDefaultProfile", begun, kind="Recurring", level=level, recurrencyKind=every
        )
        assert put(central, 1, wanted) == "Accepted"
        found = limits(composite(central, 1, 300))
        assert is_near(found, [(0, amps), (60, 16)], within_s=4), found


def test_r_10_8_validity(point: Station, central: Central) -> None:
    """Not before validFrom, not after validTo."""
    point.booted()
    wanted = profile(1, "TxDefaultProfile", schedule((0, 8)), validFrom=at(60), validTo=at(120))
    assert put(central, 1, wanted) == "Accepted"
    found = limits(composite(central, 1, 300))
    assert is_near(found, [(0, HARDWARE_A), (60, 8), (120, HARDWARE_A)], within_s=4), found


def test_r_10_9_connector_zero(point: Station, central: Central) -> None:
    """GetCompositeSchedule of 0 is the whole charge point's; of 3 it is Rejected."""
    point.booted()
    assert put(central, 0, profile(1, "ChargePointMaxProfile", schedule((0, 20)))) == "Accepted"
    shown = composite(central, 0, 60)
    assert shown["chargingSchedulePeriod"][0]["limit"] <= 20
    asked = {"connectorId": 3, "duration": 60}
    assert central.call("GetCompositeSchedule", asked) == {"status": "Rejected"}


def test_r_10_12_replacing(point: Station, central: Central) -> None:
    """The same id replaces, and so does another id of the same purpose and level."""
    point.booted()
    for number, amps in ((1, 10), (1, 11), (2, 12)):
        wanted = profile(number, "TxDefaultProfile", schedule((0, amps)))
        assert put(central, 1, wanted) == "Accepted"
        assert limits(composite(central, 1, 60)) == [(0, amps)]
    assert central.call("ClearChargingProfile", id=1) == {"status": "Unknown"}
    assert central.call("ClearChargingProfile", id=2) == ACCEPTED

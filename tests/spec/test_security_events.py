"""Checklists 1, 10 and 12: security events, and the trigger of the whitepaper."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.spec.central import Central, Frame, HangUp, Payload, Refusal, moment, now
from tests.spec.station import Station

EVENT = "SecurityEventNotification"
ACCEPTED = {"status": "Accepted"}


def is_recent(event: Frame) -> bool:
    """Whether its timestamp is of this test."""
    age = datetime.now(UTC) - moment(event["timestamp"])
    return timedelta(seconds=-5) < age < timedelta(minutes=1)


def test_r_1_11_the_startup_is_told_after_acceptance(point: Station, central: Central) -> None:
    """Pending: no event; Accepted: every status, then StartupOfTheDevice with the time it began."""
    pending = {"status": "Pending", "interval": 0}
    central.answers["BootNotification"] = lambda _: {**pending, "currentTime": now()}
    began = datetime.now(UTC)
    point.start()
    central.expect("BootNotification")
    central.expect("BootNotification")
    assert {frame.action for frame in central.frames} == {"BootNotification"}
    central.answers.pop("BootNotification")
    event = central.expect(EVENT)
    told = [frame.action for frame in central.frames if frame.action != "BootNotification"]
    assert told[:4] == ["StatusNotification"] * 3 + [EVENT]
    assert event["type"] == "StartupOfTheDevice"
    assert began < moment(event["timestamp"]) < datetime.now(UTC)
    central.never(EVENT, for_s=0.5)


def test_r_12_3_events_outlive_outages_and_power_cuts(point: Station, central: Central) -> None:
    """Raised offline, told after it in their order, again where the line went before the answer."""
    point.booted()
    point.cut_off()
    point.sim("clock", offset_s=86_400)
    point.sim("wait", condition={"untold_events": 1}, timeout_s=10)
    central.answers[EVENT] = HangUp()
    point.reconnect()
    first = central.expect(EVENT)
    assert first["type"] == "SettingSystemTime"
    assert first["techInfo"].startswith("from ")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert abs(moment(first["timestamp"]) - tomorrow) < timedelta(minutes=1)
    point.sim("power", mode="kill")
    point.await_exit()
    central.forget()
    del central.answers[EVENT]
    point.restart()
    again = central.expect(EVENT)
    assert again.payload == first.payload
    for kind in ("StartupOfTheDevice", "ResetOrReboot"):
        event = central.expect(EVENT)
        assert event["type"] == kind
        assert is_recent(event)
    central.never(EVENT, for_s=0.5)


def test_r_12_3_a_refused_event_holds_up_nothing(point: Station, central: Central) -> None:
    """A central system without security events: sessions go on as ever."""
    central.answers[EVENT] = Refusal("NotImplemented")
    point.booted()
    point.charging()
    point.tap()
    central.expect("StopTransaction")


def test_r_12_3_a_reset_is_told(point: Station, central: Central) -> None:
    """ResetOrReboot, once; the process that follows says that it has started."""
    point.booted()
    assert central.call("Reset", type="Hard") == ACCEPTED
    reset = central.expect(EVENT, type="ResetOrReboot", within_s=20)
    assert "Hard" in reset["techInfo"]
    central.expect("BootNotification", within_s=20)
    central.expect(EVENT, type="StartupOfTheDevice", within_s=20)


@pytest.mark.parametrize(
    ("message", "connector", "expected"),
    [
        ("Heartbeat", None, {}),
        ("LogStatusNotification", None, {"status": "Idle"}),
        ("MeterValues", 1, {"connectorId": 1}),
        ("StatusNotification", 2, {"connectorId": 2, "status": "Available"}),
    ],
)
def test_r_10_3_what_is_asked_for_comes(
    point: Station,
    central: Central,
    message: str,
    connector: int | None,
    expected: dict[str, Any],
) -> None:
    """Accepted, and after the answer the message."""
    point.booted()
    asked: Payload = {"requestedMessage": message}
    if connector is not None:
        asked["connectorId"] = connector
    assert central.call("ExtendedTriggerMessage", asked) == ACCEPTED
    central.expect(message, **expected)
    kinds = [raw for raw in central.raw if '"Accepted"' in str(raw) or f'"{message}"' in str(raw)]
    assert str(kinds[-1]).startswith("[2"), "the answer comes before the message"
    central.never(message, for_s=0.2)


def test_r_10_3_it_is_judged_as_the_other_trigger_is(point: Station, central: Central) -> None:
    """No such connector, and a boot after Accepted: Rejected, nothing comes."""
    point.booted()
    for asked in (
        {"requestedMessage": "BootNotification"},
        {"requestedMessage": "StatusNotification", "connectorId": 3},
        {"requestedMessage": "MeterValues", "connectorId": 3},
    ):
        assert central.call("ExtendedTriggerMessage", asked) == {"status": "Rejected"}
    for message in ("BootNotification", "StatusNotification", "MeterValues"):
        central.never(message, for_s=0.2)

"""Checklists 1, 10 and 12: security events, and the trigger of the whitepaper."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.spec.central import Central, Frame, HangUp, Payload, Refusal, moment, now
from tests.spec.station import Station
from tests.waiting import WITHIN_S

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
    """Raised offline, told after it in order, again until answered; refused: sessions go on."""
    point.booted()
    point.sim("wait", condition={"untold_events": 0}, timeout_s=WITHIN_S)
    point.cut_off()
    for kind in ("TamperDetectionActivated", "InvalidMessages"):  # the second is only logged
        point.sim("ocpp.security_event", type=kind, info="x" * 300)
    point.sim("wait", condition={"untold_events": 1}, timeout_s=WITHIN_S)
    central.answers[EVENT] = HangUp()
    point.reconnect()
    first = central.expect(EVENT)
    assert (first["type"], first["techInfo"]) == ("TamperDetectionActivated", "x" * 255)
    assert is_recent(first)
    point.sim("power", mode="kill")
    point.await_exit()
    central.forget()
    del central.answers[EVENT]
    point.restart()
    assert central.expect(EVENT).payload == first.payload
    for kind in ("StartupOfTheDevice", "ResetOrReboot"):
        event = central.expect(EVENT)
        assert event["type"] == kind
        assert is_recent(event)
    central.answers[EVENT] = Refusal("NotImplemented")
    assert central.call("Reset", type="Hard") == ACCEPTED
    refused = central.expect(EVENT, within_s=20)
    assert refused["type"] == "ResetOrReboot"
    assert "Hard" in refused["techInfo"]
    boot = central.expect("BootNotification", after=refused, within_s=20)
    central.expect(EVENT, after=boot, within_s=20)
    point.charging()
    point.tap()
    central.expect("StopTransaction")


def test_r_10_3_the_trigger_of_the_whitepaper(point: Station, central: Central) -> None:
    """Answered, then carried out, each of its messages; refused as the other trigger does."""
    point.booted(ocpp={"CpoName": "Tapwatt"})  # which a request for a certificate must name
    asked: list[tuple[Payload, str, Payload]] = [
        ({"requestedMessage": "Heartbeat"}, "Heartbeat", {}),
        ({"requestedMessage": "MeterValues", "connectorId": 1}, "MeterValues", {"connectorId": 1}),
        (
            {"requestedMessage": "StatusNotification", "connectorId": 2},
            "StatusNotification",
            {"connectorId": 2, "status": "Available"},
        ),
        (
            {"requestedMessage": "LogStatusNotification"},
            "LogStatusNotification",
            {"status": "Idle"},
        ),
        (
            {"requestedMessage": "FirmwareStatusNotification"},
            "SignedFirmwareStatusNotification",
            {"status": "Idle"},
        ),
        ({"requestedMessage": "SignChargePointCertificate"}, "SignCertificate", {}),
    ]
    for wish, message, wanted in asked:
        before = len(central.raw)
        assert central.call("ExtendedTriggerMessage", wish) == ACCEPTED
        central.expect(message, **wanted)
        assert str(central.raw[before]).startswith("[3"), "the answer comes before the message"
        central.never(message, for_s=0.2)
    for wish in (
        {"requestedMessage": "BootNotification"},
        {"requestedMessage": "StatusNotification", "connectorId": 3},
        {"requestedMessage": "MeterValues", "connectorId": 3},
    ):
        assert central.call("ExtendedTriggerMessage", wish) == {"status": "Rejected"}
    for message in ("BootNotification", "StatusNotification", "MeterValues"):
        central.never(message, for_s=0.2)

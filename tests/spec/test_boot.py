"""Checklist 1: getting registered."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from tests.spec.central import Central, Frame, Payload, Refusal, Silent, moment, now
from tests.spec.station import CARD, ENERGY, NAME, Station


def answer(status: str, interval: int) -> Payload:
    """A BootNotification.conf."""
    return {"status": status, "currentTime": now(), "interval": interval}


def apart(first: Frame, second: Frame) -> float:
    """Seconds between two frames as they came in."""
    return second.at_s - first.at_s


def test_tc_001_cold_boot(point: Station, central: Central) -> None:
    """Rejected: silence for the interval; Accepted: every status, then heartbeats."""
    central.answers["BootNotification"] = answer("Rejected", 10)
    point.start()
    first = central.expect("BootNotification")
    assert first.seq == 0
    assert {"chargePointVendor", "chargePointModel"} <= first.payload.keys()
    central.answers.pop("BootNotification")
    central.answers["BootNotification"] = lambda _: answer("Accepted", 10)
    second = central.expect("BootNotification", within_s=20)
    assert 9.9 <= apart(first, second) < 15
    assert second.seq == 1
    told = [central.expect_status(connector, "Available") for connector in (0, 1, 2)]
    assert all(frame["errorCode"] == "NoError" for frame in told)
    beat = central.expect("Heartbeat", within_s=20)
    assert 9.9 <= apart(told[-1], beat) < 15
    assert point.value("HeartbeatInterval") == "10"
    point.configure("HeartbeatInterval", 1)
    one, two = central.expect("Heartbeat"), central.expect("Heartbeat")
    assert 0.9 <= apart(one, two) < 3


def test_tc_002_pending(point: Station, central: Central) -> None:
    """Pending: configuration is served, nothing unasked is sent; Accepted: every status."""
    answers = itertools.chain(["Pending", "Pending"], itertools.repeat("Accepted"))
    central.answers["BootNotification"] = lambda _: answer(next(answers), 0)
    point.start()
    central.expect("BootNotification")
    listed = central.call("GetConfiguration")["configurationKey"]
    assert len(listed) > 20
    point.configure("MeterValueSampleInterval", 17)
    central.expect("BootNotification")
    assert [frame.action for frame in central.frames] == ["BootNotification"] * 2
    accepted = central.expect("BootNotification")
    for connector in (0, 1, 2):
        central.expect_status(connector, "Available", after=accepted)
    assert point.value("MeterValueSampleInterval") == "17"


def test_r_1_1_pending_sends_what_is_triggered(point: Station, central: Central) -> None:
    """While Pending only what TriggerMessage asks for goes out."""
    central.answers["BootNotification"] = answer("Pending", 60)
    point.start()
    central.expect("BootNotification")
    for message in (
        "StatusNotification",
        "Heartbeat",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "BootNotification",
    ):
        asked = {"requestedMessage": message}
        assert central.call("TriggerMessage", asked) == {"status": "Accepted"}, message
        central.expect(message)
    central.expect("StatusNotification", connectorId=1)
    central.expect("StatusNotification", connectorId=2)
    assert not central.untaken()


def test_r_1_2_pending_moves_no_energy(point: Station, central: Central) -> None:
    """RemoteStart and RemoteStop are Rejected while Pending."""
    central.answers["BootNotification"] = answer("Pending", 60)
    point.start()
    central.expect("BootNotification")
    started = central.call("RemoteStartTransaction", connectorId=1, idTag=CARD)
    assert started == {"status": "Rejected"}
    stopped = central.call("RemoteStopTransaction", transactionId=1)
    assert stopped == {"status": "Rejected"}


def test_r_1_3_rejected_answers_nothing(point: Station, central: Central) -> None:
    """While Rejected no call gets an answer."""
    central.answers["BootNotification"] = answer("Rejected", 60)
    point.start()
    central.expect("BootNotification")
    central.stays_unanswered("GetConfiguration", {})
    central.stays_unanswered("TriggerMessage", {"requestedMessage": "Heartbeat"})
    assert not central.untaken()


def test_r_1_4_interval_zero_is_no_flood(point: Station, central: Central) -> None:
    """Pending with interval 0: again after a delay of our own, here boot_retry_s of 1 s."""
    central.answers["BootNotification"] = answer("Pending", 0)
    point.start()
    one, two = central.expect("BootNotification"), central.expect("BootNotification")
    three = central.expect("BootNotification")
    assert apart(one, two) >= 0.9
    assert apart(two, three) >= 0.9


def test_r_1_5_a_refused_boot_is_tried_again(point: Station, central: Central) -> None:
    """BootNotification answered by CALLERROR: again; then all goes on."""
    central.answers["BootNotification"] = Refusal("InternalError")
    point.start()
    refused = central.expect("BootNotification")
    central.answers.pop("BootNotification")
    central.expect("BootNotification", after=refused)
    central.expect_status(0, "Available")


def test_r_1_6_an_unanswered_boot_is_tried_again(point: Station, central: Central) -> None:
    """No answer at all: again on this line, and on a new one."""
    central.answers["BootNotification"] = Silent()
    point.start(ocpp={"MessageTimeout": 1})
    central.expect("BootNotification")
    central.expect("BootNotification")
    central.drop()
    central.await_line(2)
    central.answers.pop("BootNotification")
    again = central.expect("BootNotification", within_s=12)
    assert again.line == 2 or central.expect("BootNotification", within_s=12).line == 2
    central.expect_status(0, "Available")


def test_r_1_8_the_clock_is_the_central_systems(point: Station, central: Central) -> None:
    """Timestamps follow currentTime of boot and heartbeat."""
    ahead = timedelta(days=400)

    def then() -> str:
        return (datetime.now(UTC) + ahead).isoformat(timespec="seconds")

    central.answers["BootNotification"] = lambda _: {
        **answer("Accepted", 300),
        "currentTime": then(),
    }
    central.answers["Heartbeat"] = lambda _: {"currentTime": then()}
    point.start()
    point.sim("clock", offset_s=-3600)  # no NTP here: what the central system says counts
    central.expect("BootNotification")
    central.call("TriggerMessage", requestedMessage="Heartbeat")
    central.expect("Heartbeat")
    point.plug()
    told = central.expect_status(1, "Preparing")
    assert abs(moment(told["timestamp"]) - datetime.now(UTC) - ahead) < timedelta(seconds=10)


def test_r_1_9_a_reconnect_is_no_boot(point: Station, central: Central) -> None:
    """The line breaks and comes back: heartbeats go on, no BootNotification, no status."""
    point.booted()
    central.drop()
    central.await_line(2)
    point.await_online()
    point.configure("HeartbeatInterval", 1)
    beat = central.expect("Heartbeat")
    assert beat.line == 2
    central.never("BootNotification", for_s=0.1)
    assert central.untaken("StatusNotification") == []


def test_r_1_10_a_session_before_the_first_boot(point: Station, central: Central) -> None:
    """Never online yet: the local rules admit; what was kept is told after acceptance."""
    central.answers["BootNotification"] = Silent()
    point.start(
        ocpp={
            "AllowOfflineTxForUnknownId": True,
            "MessageTimeout": 1,
            "StopTxnSampledData": ENERGY,
        },
    )
    point.sim("wait", condition={"attached": True})
    point.plug()
    point.wait(status="Preparing")
    point.tap()
    point.wait(status="Charging", contactor_closed=True)
    assert central.untaken("StartTransaction") == []
    central.answers.pop("BootNotification")
    accepted = central.expect("BootNotification", within_s=15)
    start = central.expect("StartTransaction", idTag=CARD, within_s=15, after=accepted)
    age = datetime.now(UTC) - moment(start["timestamp"])
    assert timedelta(0) <= age < timedelta(seconds=30)
    central.expect_status(1, "Charging", within_s=15)


def test_r_11_16_the_station_names_itself_in_the_path(point: Station, central: Central) -> None:
    """The last element of the path is the station's name, the subprotocol is ocpp1.6."""
    point.booted()
    assert central.path == f"/ocpp/{NAME}"
    assert central.subprotocol == "ocpp1.6"

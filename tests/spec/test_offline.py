"""Checklist 6: transactions that the line, the central system or the power lets down."""

from __future__ import annotations

import itertools
from datetime import timedelta

from tests.spec.central import Central, Frame, Payload, Refusal, moment
from tests.spec.station import CARD, OTHER, Station

INVALID = {"idTagInfo": {"status": "Invalid"}, "transactionId": 55}
GROUP = {"idTagInfo": {"status": "Accepted", "parentIdTag": "GROUP"}}


def offline_session(point: Station, tag: str = CARD) -> None:
    """Plug and tap while the line is away; energy flows."""
    point.cut_off()
    point.plug()
    point.wait(status="Preparing")
    point.tap(tag)
    point.wait(status="Charging", contactor_closed=True)


def once(frames: list[Frame]) -> list[Frame]:
    """Each message once: the one in flight at the cut is repeated, and must be the same again."""
    first: dict[str, Frame] = {}
    for frame in frames:
        assert first.setdefault(frame.unique_id, frame).payload == frame.payload
    return list(first.values())


def stamps(frames: list[Frame]) -> list[str]:
    """The timestamps of MeterValues."""
    return [value["timestamp"] for frame in frames for value in frame["meterValue"]]


def test_tc_036_samples_while_the_line_is_away(point: Station, central: Central) -> None:
    """Queued samples come first, in order, with their own times, one interval apart."""
    point.booted()
    point.configure("MeterValueSampleInterval", 1)
    point.charging()
    number = point.transaction()
    central.expect("MeterValues")
    point.cut_off()
    lines = central.lines
    point.sim("wait", condition={"outbox": {"gte": 4}}, timeout_s=15)
    point.reconnect()
    central.until(lambda: len(of_line(central, lines + 1)) >= 6)
    samples = [frame for frame in central.frames if frame.action == "MeterValues"]
    told = stamps(once(samples))
    assert told == sorted(set(told))
    steps = [moment(b) - moment(a) for a, b in itertools.pairwise(told)]
    assert all(timedelta(seconds=0.4) < step < timedelta(seconds=1.9) for step in steps), steps
    assert of_line(central, lines + 1)[0]["transactionId"] == number
    answer = central.call("RemoteStopTransaction", transactionId=number)
    assert answer == {"status": "Accepted"}
    central.expect("StopTransaction", reason="Remote", transactionId=number)


def of_line(central: Central, number: int) -> list[Frame]:
    """MeterValues of connection *number* on."""
    return [f for f in central.frames if f.action == "MeterValues" and f.line >= number]


def test_tc_037_1_started_offline(point: Station, central: Central) -> None:
    """On return: Start with the time it began, Charging."""
    point.booted(ocpp={"AllowOfflineTxForUnknownId": True})
    offline_session(point)
    assert central.untaken("StartTransaction") == []
    point.sim("wait", condition={"outbox": {"gte": 1}})
    point.reconnect()
    start = central.expect("StartTransaction", connectorId=1, idTag=CARD)
    charging = central.expect_status(1, "Charging")
    assert moment(start["timestamp"]) <= moment(charging["timestamp"])
    assert "Preparing" not in central.statuses(1)


def test_tc_037_2_found_invalid_but_not_stopped(point: Station, central: Central) -> None:
    """Charging, SuspendedEVSE, contactor open, the transaction lasts until its card ends it."""
    central.answers["StartTransaction"] = INVALID
    point.booted(ocpp={"AllowOfflineTxForUnknownId": True, "StopTransactionOnInvalidId": False})
    offline_session(point)
    point.reconnect()
    start = central.expect("StartTransaction", idTag=CARD)
    suspended = central.expect_status(1, "SuspendedEVSE")
    point.wait(contactor_closed=False)
    central.never("StopTransaction", for_s=0.3)
    told = central.statuses(1)[1:]
    assert told in (["Charging", "SuspendedEVSE"], ["SuspendedEVSE"])
    point.tap(CARD)
    stop = central.expect("StopTransaction", transactionId=55, after=start)
    assert stop["reason"] == "Local"
    central.expect_status(1, "Finishing", after=suspended)


def test_tc_037_3_found_invalid_and_stopped(point: Station, central: Central) -> None:
    """StopTransactionOnInvalidId: Stop(DeAuthorized) and Finishing."""
    central.answers["StartTransaction"] = INVALID
    point.booted(ocpp={"AllowOfflineTxForUnknownId": True, "StopTransactionOnInvalidId": True})
    offline_session(point)
    point.reconnect()
    start = central.expect("StartTransaction", idTag=CARD)
    stop = central.expect("StopTransaction", transactionId=55, after=start)
    assert stop["reason"] == "DeAuthorized"
    central.expect_status(1, "Finishing")
    assert not point.is_closed()


def test_tc_038_stopped_offline(point: Station, central: Central) -> None:
    """Ended by the card while the line is away: Stop(Local) and Finishing on return."""
    point.booted()
    point.charging()
    number = point.transaction()
    point.cut_off()
    point.tap()
    point.wait(status="Finishing", session=None)
    point.reconnect()
    stop = central.expect("StopTransaction", transactionId=number)
    assert (stop["reason"], stop["idTag"]) == ("Local", CARD)
    finishing = central.expect_status(1, "Finishing")
    assert moment(stop["timestamp"]) <= moment(finishing["timestamp"]) + timedelta(seconds=2)


def test_tc_039_a_whole_session_offline(point: Station, central: Central) -> None:
    """Start, then Stop with the number that this Start was given."""
    central.answers["StartTransaction"] = {
        "idTagInfo": {"status": "Accepted"},
        "transactionId": 8_123_456,
    }
    point.booted(ocpp={"AllowOfflineTxForUnknownId": True})
    offline_session(point)
    point.tap()
    point.wait(session=None)
    point.unplug()
    point.wait(status="Available")
    point.reconnect()
    start = central.expect("StartTransaction", idTag=CARD)
    stop = central.expect("StopTransaction", after=start)
    assert stop["transactionId"] == 8_123_456
    assert start["timestamp"] < stop["timestamp"]
    assert stop["meterStop"] >= start["meterStart"]
    assert central.statuses(1) == ["Available"]


def test_r_6_1_a_cached_group_offline(point: Station, central: Central) -> None:
    """Unknown tags are not admitted; a cached one starts, another of its group stops."""
    central.answers["Authorize"] = GROUP
    central.answers["StartTransaction"] = {**GROUP, "transactionId": 5}
    point.booted()
    point.cached(CARD)
    point.cached(OTHER)
    offline_session(point, CARD)
    point.tap(OTHER)
    point.wait(status="Finishing", session=None)
    point.reconnect()
    start = central.expect("StartTransaction", idTag=CARD)
    stop = central.expect("StopTransaction", after=start)
    assert stop["idTag"] == OTHER


def test_r_6_2_a_known_bad_tag_is_not_unknown(point: Station, central: Central) -> None:
    """Blocked in the cache: refused offline though unknown tags may start."""
    central.answers["Authorize"] = {"idTagInfo": {"status": "Blocked"}}
    point.booted(ocpp={"AllowOfflineTxForUnknownId": True})
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect("Authorize", idTag=CARD)
    point.cut_off()
    point.tap()
    point.tap(OTHER)
    state = point.wait(status="Charging")
    assert state["session"]["idTag"] == OTHER


def test_r_6_4_a_start_refused_for_good(point: Station, central: Central) -> None:
    """Three tries of the same message, the waits growing; then Stop with -1."""
    central.answers["StartTransaction"] = Refusal("InternalError")
    point.booted(ocpp={"TransactionMessageAttempts": 3})
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    tries = [central.expect("StartTransaction") for _ in range(3)]
    assert all(each.payload == tries[0].payload for each in tries)
    assert len({each.unique_id for each in tries}) == 3
    assert tries[1].at_s - tries[0].at_s >= 0.95
    assert tries[2].at_s - tries[1].at_s >= 1.95
    point.tap()
    stop = central.expect("StopTransaction")
    assert stop["transactionId"] == -1
    assert stop["meterStop"] >= tries[0]["meterStart"]
    central.never("StartTransaction", for_s=0.2)


def test_r_6_5_a_start_accepted_late(point: Station, central: Central) -> None:
    """Refused twice, accepted the third time: Stop waits for its number."""
    answers = iter([Refusal(), Refusal()])

    def start(_: Payload) -> Payload | Refusal:
        return next(answers, {"idTagInfo": {"status": "Accepted"}, "transactionId": 1})

    central.answers["StartTransaction"] = start
    point.booted(ocpp={"TransactionMessageAttempts": 5})
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect("StartTransaction")
    point.wait(status="Charging")
    point.tap()
    point.wait(session=None)
    central.expect("StartTransaction")
    accepted = central.expect("StartTransaction")
    stop = central.expect("StopTransaction", after=accepted)
    assert stop["transactionId"] == 1


def test_r_6_6_the_queue_survives_a_power_cut(point: Station, central: Central) -> None:
    """Start, samples, Stop, kept through a power cut, in the order they happened."""
    point.booted(ocpp={"AllowOfflineTxForUnknownId": True, "MeterValueSampleInterval": 1})
    offline_session(point)
    point.sim("wait", condition={"outbox": {"gte": 3}}, timeout_s=15)
    point.tap()
    point.wait(session=None)
    point.sim("power", mode="kill")
    point.await_exit()
    point.restart()
    boot = central.expect("BootNotification")
    stop = central.expect("StopTransaction", after=boot)
    told = [f.action for f in central.frames if boot.seq < f.seq <= stop.seq]
    beside = ("StatusNotification", "SecurityEventNotification")
    queued = [action for action in told if action not in beside]
    assert queued[0] == "StartTransaction"
    assert len(queued) >= 4
    assert set(queued[1:-1]) == {"MeterValues"}


def test_tc_032_1_power_lost_with_back_up(point: Station, central: Central) -> None:
    """Stop(PowerLoss) before it is dark; then boot, Preparing where the cable is."""
    point.booted()
    point.charging()
    number = point.transaction()
    point.sim("power", mode="off")
    stop = central.expect("StopTransaction", transactionId=number)
    assert stop["reason"] == "PowerLoss"
    point.await_exit()
    point.restart()
    boot = central.expect("BootNotification", after=stop)
    central.expect_status(1, "Preparing", after=boot)
    central.expect_status(2, "Available", after=boot)
    central.never("StopTransaction", for_s=0.2)


def test_tc_032_2_power_lost_at_once(point: Station, central: Central) -> None:
    """After the boot: Stop(PowerLoss), the meter's register, the last sign of life."""
    point.booted()
    point.configure("MeterValueSampleInterval", 1)
    start = point.charging()
    number = point.transaction()
    sample = central.expect("MeterValues")
    point.sim("power", mode="kill")
    point.await_exit()
    point.wait(contactor_closed=False)
    point.restart()
    boot = central.expect("BootNotification")
    stop = central.expect("StopTransaction", transactionId=number, after=boot, within_s=15)
    assert stop["reason"] == "PowerLoss"
    drawn = point.sim("world")["connectors"]["1"]["energy_wh"]
    assert abs(stop["meterStop"] - drawn) <= 10
    assert stop["meterStop"] >= start["meterStart"]
    assert stop["timestamp"] >= sample["meterValue"][0]["timestamp"]
    central.expect_status(1, "Finishing", after=boot)
    central.expect_status(2, "Available", after=boot)


def test_tc_034_out_of_service_through_a_power_cut(point: Station, central: Central) -> None:
    """Inoperative(0): Unavailable on all, and still after the cut."""
    point.booted()
    answer = central.call("ChangeAvailability", connectorId=0, type="Inoperative")
    assert answer == {"status": "Accepted"}
    for connector in (0, 1, 2):
        central.expect_status(connector, "Unavailable")
    point.sim("power", mode="kill")
    point.await_exit()
    point.restart()
    boot = central.expect("BootNotification")
    for connector in (0, 1, 2):
        central.expect_status(connector, "Unavailable", after=boot)


def test_r_6_7_only_what_differs_is_told(point: Station, central: Central) -> None:
    """Plugged and unplugged on 2, plugged on 1 while away: one status, of 1."""
    point.booted()
    point.cut_off()
    point.plug(2)
    point.wait(2, status="Preparing")
    point.unplug(2)
    point.wait(2, status="Available")
    point.plug(1)
    point.wait(1, status="Preparing")
    point.reconnect()
    central.expect_status(1, "Preparing")
    central.never("StatusNotification", for_s=0.4)

"""Checklist 11: frames, codes, and what the charge point says by itself."""

from __future__ import annotations

import json

import pytest

from tests.spec.central import Central, Refusal, Silent, moment
from tests.spec.station import CARD, Station

STRANGE = (
    "nonsense",
    "{}",
    "[]",
    "[2]",
    "[2,null]",
    '[9,"x","Reset",{}]',
    '["2","x","Reset",{}]',
    "",
)


def test_r_11_1_noise_is_not_answered(point: Station, central: Central) -> None:
    """What is no frame gets no answer, and the next good call does, on the same line."""
    point.booted()
    before = len(central.raw)
    for text in STRANGE:
        central.send_text(text)
    assert point.value("HeartbeatInterval") == "300"
    assert len(central.raw) == before + 1
    assert central.lines == 1


def test_r_11_2_broken_text_costs_the_line_only(point: Station, central: Central) -> None:
    """Invalid UTF-8: the connection ends with 1007, the process comes back."""
    point.booted()
    central.send_text(b'[2,"\xff\xfe","Reset",{}]', as_text=True)
    central.await_close(1)
    assert central.close_code(1) == 1007
    central.await_line(2)
    point.await_online()
    assert point.value("HeartbeatInterval") == "300"
    assert point.alive


def test_r_11_3_an_unknown_action(point: Station, central: Central) -> None:
    """NotImplemented."""
    point.booted()
    assert central.refusal_of("MakeCoffee", {}) == "NotImplemented"


def test_r_11_4_an_action_in_another_case(point: Station, central: Central) -> None:
    """Actions are compared with case: NotImplemented."""
    point.booted()
    assert central.refusal_of("clearcache", {}) == "NotImplemented"


def test_r_11_5_a_field_is_missing(point: Station, central: Central) -> None:
    """ProtocolError."""
    point.booted()
    assert central.refusal_of("ChangeAvailability", {"connectorId": 1}) == "ProtocolError"
    assert central.refusal_of("RemoteStartTransaction", {}) == "ProtocolError"


def test_r_11_6_a_payload_of_another_shape(point: Station, central: Central) -> None:
    """A field too many, a payload that is no object: FormationViolation."""
    point.booted()
    shapes: tuple[object, ...] = ({"type": "Soft", "now": True}, [], "Soft")
    for payload in shapes:
        assert central.refusal_of("Reset", payload) == "FormationViolation", payload


def test_r_11_7_a_value_of_another_type(point: Station, central: Central) -> None:
    """Text for a number, a number for text, text too long: TypeConstraintViolation."""
    point.booted()
    for action, payload in (
        ("UnlockConnector", {"connectorId": "1"}),
        ("RemoteStartTransaction", {"idTag": 7}),
        ("RemoteStartTransaction", {"idTag": "A" * 21}),
        ("ChangeConfiguration", {"key": "K" * 51, "value": "1"}),
    ):
        assert central.refusal_of(action, payload) == "TypeConstraintViolation", payload


def test_r_11_8_a_value_out_of_its_range(point: Station, central: Central) -> None:
    """An unknown word, a negative connector: PropertyConstraintViolation."""
    point.booted()
    for action, payload in (
        ("Reset", {"type": "Gentle"}),
        ("ChangeAvailability", {"connectorId": 1, "type": "Broken"}),
        ("ChangeAvailability", {"connectorId": -1, "type": "Operative"}),
        ("UnlockConnector", {"connectorId": 0}),
        ("TriggerMessage", {"requestedMessage": "Weather"}),
    ):
        assert central.refusal_of(action, payload) == "PropertyConstraintViolation", payload


def test_r_11_9_ids_and_lengths(point: Station, central: Central) -> None:
    """An id of more than 36 characters, a CALL of five elements: GenericError, id echoed."""
    point.booted()
    long = "i" * 37
    for unique_id, frame in (
        (long, [2, long, "ClearCache", {}]),
        ("five", [2, "five", "ClearCache", {}, {}]),
        ("three", [2, "three", "ClearCache"]),
    ):
        central.ask_raw(json.dumps(frame), unique_id)
        reply = central.reply_to(unique_id)
        assert reply[:3] == [4, unique_id, "GenericError"]


def test_r_11_10_null_is_an_empty_payload(point: Station, central: Central) -> None:
    """ClearCache with null is served."""
    point.booted()
    central.ask_raw('[2,"null","ClearCache",null]', "null", "ClearCache")
    assert central.reply_to("null") == [3, "null", {"status": "Accepted"}]


def test_r_11_11_an_answer_to_nothing(point: Station, central: Central) -> None:
    """A CALLRESULT or CALLERROR that matches nothing is ignored."""
    point.booted()
    central.send([3, "never-asked", {"status": "Accepted"}])
    central.send([4, "never-asked", "InternalError", "", {}])
    central.send([4, "never-asked"])
    assert point.value("HeartbeatInterval") == "300"
    assert central.lines == 1


def test_r_11_12_one_call_at_a_time(point: Station, central: Central) -> None:
    """An unanswered Heartbeat holds the next call up until its time is out, no longer."""
    point.booted(ocpp={"MessageTimeout": 1})
    central.answers["Heartbeat"] = Silent()
    central.call("TriggerMessage", requestedMessage="Heartbeat")
    beat = central.expect("Heartbeat")
    central.call("TriggerMessage", requestedMessage="StatusNotification", connectorId=1)
    told = central.expect_status(1, "Available")
    assert told.at_s - beat.at_s >= 0.9


def test_r_11_13_a_refused_message_is_dropped(point: Station, central: Central) -> None:
    """CALLERROR to a status or a heartbeat: not sent again, all goes on."""
    point.booted()
    central.answers["StatusNotification"] = Refusal("InternalError")
    central.answers["Heartbeat"] = Refusal("InternalError")
    point.plug()
    central.expect_status(1, "Preparing")
    central.call("TriggerMessage", requestedMessage="Heartbeat")
    central.expect("Heartbeat")
    central.never("StatusNotification", for_s=0.4)
    central.never("Heartbeat", for_s=0.1)
    point.tap()
    central.expect("StartTransaction")


def test_r_11_14_a_repeated_call_is_done_once(point: Station, central: Central) -> None:
    """The same CALL by id: one effect, the same answer."""
    point.booted()
    text = json.dumps([2, "once", "RemoteStartTransaction", {"idTag": CARD, "connectorId": 1}])
    central.ask_raw(text, "once", "RemoteStartTransaction")
    assert central.reply_to("once") == [3, "once", {"status": "Accepted"}]
    central.expect_status(1, "Preparing")
    central.expect_repeat("once")
    central.send_text(text)
    assert central.reply_to("once") == [3, "once", {"status": "Accepted"}]
    point.plug()
    central.expect("StartTransaction")
    central.never("StartTransaction", for_s=0.2)


@pytest.mark.parametrize("tag", ["abCdef", "ABCDEF"])
def test_r_11_15_tags_compare_without_case(point: Station, central: Central, tag: str) -> None:
    """A tag started in one case is found in the cache in another."""
    point.booted()
    point.configure("LocalPreAuthorize", value=True)
    point.configure("AuthorizeRemoteTxRequests", value=True)
    for connector, written in ((1, "abcdef"), (2, tag)):
        point.plug(connector)
        central.expect_status(connector, "Preparing")
        asked = {"connectorId": connector, "idTag": written}
        assert central.call("RemoteStartTransaction", asked) == {"status": "Accepted"}
        begun = central.expect("StartTransaction", connectorId=connector)
        assert begun["idTag"] == written
        central.expect_status(connector, "Charging")
        point.transaction(connector)
    central.expect("Authorize", idTag="abcdef")
    central.never("Authorize", for_s=0.1)


def test_r_11_17_text_and_times(point: Station, central: Central) -> None:
    """Every frame is text; every timestamp names UTC."""
    point.booted()
    point.charging()
    point.tap()
    central.expect("StopTransaction")
    assert all(isinstance(raw, str) for raw in central.raw)
    times = [frame["timestamp"] for frame in central.frames if "timestamp" in frame.payload]
    assert len(times) >= 5
    assert all(moment(text).utcoffset() is not None for text in times)
    assert all(text.endswith("Z") for text in times)

"""What a frame says, whose answer it is, and that no secret gets into the log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csms_lite.messages.rules import (
    RECEIVED,
    SECRET,
    SENT,
    Calls,
    Caught,
    has_secret,
    masked,
    read,
)

KEY = "00112233445566778899AABBCCDDEEFF00112233"


def rows(*texts: tuple[str, str, float]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Note texts of one socket as (direction, text, second)."""
    calls = Calls("CP-1", slow_ms=2000)
    delays: list[dict[str, Any]] = []
    found = [calls.row(Caught(int(at * 1000), at, way, text), delays) for way, text, at in texts]
    return found, delays


def test_an_answer_bears_the_action_of_its_call() -> None:
    """Crossing calls with one id are told apart by their direction."""
    found, delays = rows(
        (RECEIVED, '[2,"1","Heartbeat",{}]', 1.0),
        (SENT, '[2,"1","Reset",{"type":"Soft"}]', 1.1),
        (SENT, '[3,"1",{"currentTime":"x"}]', 1.2),
        (RECEIVED, '[4,"1","InternalError","no",{}]', 1.3),
        (RECEIVED, '[3,"1",{}]', 1.4),
    )
    assert [(one["type"], one["action"], one["keep"]) for one in found] == [
        ("CALL", "Heartbeat", "beat"),
        ("CALL", "Reset", "plain"),
        ("CALLRESULT", "Heartbeat", "beat"),
        ("CALLERROR", "Reset", "plain"),
        ("CALLRESULT", None, "plain"),
    ]
    assert json.loads(found[3]["payload"]) == {
        "errorCode": "InternalError",
        "errorDescription": "no",
        "errorDetails": {},
    }
    assert delays == []


def test_frames_that_make_bills_are_kept_longer() -> None:
    """The beginning, the end and what asked for them."""
    for action in ("StartTransaction", "StopTransaction", "RemoteStartTransaction"):
        found, _ = rows((RECEIVED, f'[2,"1","{action}",{{}}]', 0), (SENT, '[3,"1",{}]', 0))
        assert [one["keep"] for one in found] == ["transaction", "transaction"]


@pytest.mark.parametrize(
    "text",
    ["", "[", "{}", "[]", "1", "[9,1]", '[2,"1"]', '[2,1,"A",{}]', '[2,"1",["A"],{}]', "[" * 9000],
)
def test_what_is_no_frame_is_kept_as_it_came(text: str) -> None:
    """A log that shows only lawful frames does not show what is wrong."""
    parts = read(text)
    assert parts.type == "UNREADABLE"
    assert parts.payload == text[:4096]


def test_a_late_answer_and_a_missing_one_are_told() -> None:
    """Slow answers and time-outs are what one looks for in a log."""
    delays: list[dict[str, Any]] = []
    calls = Calls("CP-1", slow_ms=2000)
    for at, way, text in (
        (0.0, SENT, '[2,"a","GetConfiguration",{}]'),
        (1.0, SENT, '[2,"b","Reset",{}]'),
        (2.1, RECEIVED, '[3,"a",{}]'),
        (2.5, RECEIVED, '[2,"c","Heartbeat",{}]'),
    ):
        calls.row(Caught(int(at * 1000), at, way, text), delays)
    calls.lapse(2.0, delays)
    calls.unsent(Caught(3000, 3.0, SENT, '[3,"c",{}]'), delays)
    assert [
        (one["message_id"], one["action"], one["outcome"], one["took_ms"]) for one in delays
    ] == [
        ("a", "GetConfiguration", "slow", 2100),
        ("b", "Reset", "unanswered", None),
        ("c", "CALLRESULT", "unsent", None),
    ]
    calls.lapse(float("inf"), delays)
    assert [one["message_id"] for one in delays] == ["a", "b", "c", "c"]


def test_open_calls_are_bounded() -> None:
    """A station that never waits must not fill the memory."""
    delays: list[dict[str, Any]] = []
    calls = Calls("CP-1", slow_ms=2000)
    for number in range(100):
        calls.row(Caught(0, 0.0, RECEIVED, f'[2,"{number}","Heartbeat",{{}}]'), delays)
        calls.lapse(-1.0, delays)
    assert len(delays) == 36


@pytest.mark.parametrize(
    "payload",
    [
        f'{{"key":"AuthorizationKey","value":"{KEY}"}}',
        f'{{"value":"{KEY}","key":"authorizationKEY"}}',
        f'{{"configurationKey":[{{"key":"AuthorizationKey","readonly":true,"value":"{KEY}"}}]}}',
        f'{{"\\u0041uthorizationKey":"{KEY}"}}',
        f'{{"key":"\\u0041uthorizationKey","value":"{KEY}"}}',
        f'{{"key":"WiFiPassword","value":"{KEY}"}}',
        f'{{"vendorId":"x","data":"password={KEY}"}}',
        f'{{"vendorId":"x","data":{{"clientSecret":"{KEY}"}}}}',
        f'{{"data":"Basic {KEY}"}}',
        f'{{"data":"-----BEGIN PRIVATE KEY----- {KEY}"}}',
        f'{{"location":"ftp://me:{KEY}@host/file"}}',
        f'{{"location":"ftp:\\/\\/me:{KEY}@host/file"}}',
        f'{{"password":{"[" * 900}"{KEY}"{"]" * 900}}}',
    ],
)
def test_no_secret_gets_into_the_log(payload: str) -> None:
    """Whatever the log shows, it opens no charger."""
    assert KEY not in masked(payload, is_json=True)
    assert KEY not in masked(payload[:-1], is_json=False) or "\\u" in payload
    found, _ = rows((SENT, f'[2,"1","ChangeConfiguration",{payload}]', 0.0))
    assert KEY not in json.dumps(found)


def test_a_refusal_does_not_repeat_the_secret() -> None:
    """Some stations put what they refuse into the details."""
    found, _ = rows(
        (SENT, f'[2,"1","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{KEY}"}}]', 0.0),
        (RECEIVED, f'[4,"1","FormationViolation","bad {KEY}",{{"value":"{KEY}"}}]', 0.1),
    )
    assert KEY not in json.dumps(found)
    assert json.loads(found[1]["payload"])["errorCode"] == "FormationViolation"


@pytest.mark.parametrize(
    "details", ["1e999", "1" * 5000, '"\\ud800"', f"{'[' * 900}{']' * 900}", "{", '{"a":1e999}']
)
def test_a_refusal_that_cannot_be_read_is_no_harm(details: str) -> None:
    """What JSON allows and no number holds: one charger must not end the log of all."""
    found, _ = rows(
        (SENT, f'[2,"1","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{KEY}"}}]', 0.0),
        (RECEIVED, f'[4,"1","InternalError","bad {KEY}",{details}]', 0.1),
        (RECEIVED, '[2,"2","Heartbeat",{}]', 0.2),
    )
    assert found[1]["type"] in {"CALLERROR", "UNREADABLE"}
    assert KEY not in json.dumps(found[1]) or found[1]["type"] == "UNREADABLE"
    assert found[2]["action"] == "Heartbeat"


@pytest.mark.parametrize(
    "payload",
    [
        '{"key":["AuthorizationKey","HeartbeatInterval"]}',
        '{"key":"HeartbeatInterval","value":"60"}',
        '{"idTag":"04A2B1C3D4E580","meterStart":1}',
        '{"status":"Accepted"}',
        '{"info":"mail me@here"}',
        '{"location":"https://host/a@b"}',
    ],
)
def test_what_is_no_secret_stays_as_it_came(payload: str) -> None:
    """To the letter: spaces and order too."""
    assert masked(payload, is_json=True) == payload


@given(st.from_regex(SECRET))
def test_no_secret_is_passed_over_for_speed(text: str) -> None:
    """Whatever the pattern finds has one of the stems that are looked for first, in any case."""
    assert has_secret(text)
    other = text.swapcase()
    assert has_secret(f'{{"a":"{other}"}}') == (SECRET.search(f'{{"a":"{other}"}}') is not None)

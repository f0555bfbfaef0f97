"""The guard survives everything and knows what must, may and must not be answered (ruling 8)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.ocppj import guard
from edge.ocppj.guard import BadCall, Call, Error, Noise, Result

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
PIECES = st.sampled_from(
    ["[", "]", "{", "}", '"', ",", ":", "2", "3", "4", '"a"', "null", "1e999", "\\ud800", "\0",
     '"Heartbeat"', "9" * 20, "-", "true", " ", "\ufeff", "é"]
)  # fmt: skip


@given(st.binary(max_size=80) | st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_garbage_is_noise_or_a_frame_but_never_an_exception(raw: bytes | str) -> None:
    """Security 3.4: nothing that a peer sends may raise."""
    assert isinstance(guard.parse(raw), Call | Result | Error | BadCall | Noise)


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_broken_json_is_never_answered(raw: str) -> None:
    """Ruling 8: what is not JSON has no readable id."""
    frame = guard.parse(raw)
    try:
        json.loads(raw, parse_constant=_refuse)
    except ValueError:
        assert isinstance(frame, Noise)


@given(st.lists(JSON, max_size=6))
@settings(max_examples=300, deadline=None)
def test_only_calls_with_a_readable_id_may_be_answered(frame: list[object]) -> None:
    """J 4.2.3: the id of a CALLERROR must be that of a request."""
    seen = guard.parse(json.dumps(frame, allow_nan=False) if _is_json(frame) else "[NaN]")
    if isinstance(seen, Call | BadCall):
        assert frame[0] == 2
        assert seen.unique_id == frame[1]
        assert isinstance(seen.unique_id, str | int)


def _refuse(name: str) -> None:
    raise ValueError(name)


def _is_json(frame: object) -> bool:
    try:
        json.dumps(frame, allow_nan=False)
    except ValueError:
        return False
    return True


SILENT = {
    "nothing": "",
    "not JSON": "hello",
    "half a frame": '[2,"a","Heartbeat",{',
    "two documents": '[2,"a","Heartbeat",{}] []',
    "not a number": '[2,"a","Heartbeat",{"x":NaN}]',
    "byte order mark": '\ufeff[2,"a","Heartbeat",{}]',
    "an object": "{}",
    "a number": "1",
    "null": "null",
    "an empty list": "[]",
    "no id": "[2]",
    "null id": '[2,null,"Heartbeat",{}]',
    "empty id": '[2,"","Heartbeat",{}]',
    "id is a list": '[2,["a"],"Heartbeat",{}]',
    "id is an object": '[2,{"a":1},"Heartbeat",{}]',
    "id is true": '[2,true,"Heartbeat",{}]',
    "id of 256 characters": f'[2,"{"a" * 256}","Heartbeat",{{}}]',
    "id with a lone surrogate": '[2,"\\ud800","Heartbeat",{}]',
    "unknown type": '[5,"a","Heartbeat",{}]',
    "type is text": '["2","a","Heartbeat",{}]',
    "type is a fraction": '[2.0,"a","Heartbeat",{}]',
    "result with a list": '[3,"a",[]]',
    "result of four": '[3,"a",{},{}]',
    "result of two": '[3,"a"]',
    "result without id": "[3,7,{}]",
    "result beyond 64 bits": f'[3,"a",{{"transactionId":{"9" * 30}}}]',
    "error code is a number": '[4,"a",5,"",{}]',
    "error of six": '[4,"a","GenericError","",{},1]',
    "deep": "[" * 100_000,
    "deep in a result": '[3,"a",{"x":' + "[" * 30 + "]" * 30 + "}]",
    "too large": '[2,"a","Heartbeat",{}]' + " " * guard.SIZE_MAX,
}


@pytest.mark.parametrize("raw", SILENT.values(), ids=SILENT)
def test_what_must_stay_silent_is_noise(raw: str) -> None:
    """Ruling 8, last rows; J 4.1.3 "SHALL ignore"."""
    assert isinstance(guard.parse(raw), Noise)
    assert isinstance(guard.parse(raw.encode()), Noise)


def test_bytes_that_are_no_utf_8_are_noise() -> None:
    """A connection that hands over bytes must not die of them."""
    assert guard.parse(b'[2,"\xff","Heartbeat",{}]') == Noise("not_json")


BAD_CALLS = {
    "id is a number": ('[2,42,"Heartbeat",{}]', 42),
    "id of 37": (f'[2,"{"a" * 37}","Heartbeat",{{}}]', "a" * 37),
    "id of 255": (f'[2,"{"a" * 255}","Heartbeat",{{}}]', "a" * 255),
    "two elements": ('[2,"a"]', "a"),
    "three elements": ('[2,"a","Heartbeat"]', "a"),
    "five elements": ('[2,"a","Heartbeat",{},1]', "a"),
    "action is a list": ('[2,"a",["Heartbeat"],{}]', "a"),
}


@pytest.mark.parametrize(("raw", "unique_id"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_misshapen_calls_are_answered_to_their_own_id(raw: str, unique_id: str | int) -> None:
    """Ruling 8: readable id, so CALLERROR, id echoed exactly."""
    frame = guard.parse(raw)
    assert isinstance(frame, BadCall)
    assert frame.unique_id == unique_id


def test_depth_sixteen_passes_and_seventeen_does_not() -> None:
    """The bound is counted in containers, the frame's own list being the first."""
    for depth, kind in ((16, Result), (17, Noise)):
        inner = depth - 2
        raw = '[3,"a",{"x":' + "[" * inner + "]" * inner + "}]"
        assert isinstance(guard.parse(raw), kind)


def test_many_shallow_brackets_are_not_deep() -> None:
    """Brackets in strings and in breadth do not count."""
    payload = {"a": [{}] * 50, "b": "[" * 100}
    assert isinstance(guard.parse(json.dumps([3, "a", payload])), Result)


@pytest.mark.parametrize("value", ["\\u0000", "\\ud83d"])
def test_strings_no_store_can_hold_are_marked_for_a_closer_look(value: str) -> None:
    """Security 3.3: NUL and lone surrogates; JSON can write both as an escape only."""
    for raw in (text := f'[2,"a","X",{{"k":"{value}"}}]', text.encode()):
        frame = guard.parse(raw)
        assert isinstance(frame, Call)
        assert frame.suspect
        assert guard.unfit(frame.payload) == "string"


@pytest.mark.parametrize("value", ["9" * 19, "-" + "9" * 5000, "1e999", "9" * 400 + ".5"])
def test_numbers_no_store_can_hold_are_found_where_they_stand(value: str) -> None:
    """Security 3.3: in a call by its schema's bounds, in an answer here."""
    call = guard.parse(f'[2,"a","X",{{"k":{value}}}]')
    assert isinstance(call, Call)
    assert guard.unfit(call.payload) == "number"
    assert guard.parse(f'[3,"a",{{"k":{value}}}]') == Noise("bad_answer")


def test_ordinary_values_are_not_suspect() -> None:
    """The closer look is for the rare frame; emoji and 18 digits are fine."""
    frame = guard.parse('[2,"a","X",{"k":999999999999999999,"s":"\u00e9 \U0001f50c"}]')
    assert isinstance(frame, Call)
    assert not frame.suspect
    assert guard.unfit(frame.payload) is None


def test_answers_are_read_with_tolerance() -> None:
    """`null` payload is empty (4.2.2); CALLERROR may lack description and details in the field."""
    assert guard.parse('[3,"a",null]') == Result("a", {})
    assert guard.parse('[4,"a","GenericError"]') == Error("a", "GenericError", "", {})
    assert guard.parse('[4,"a","X",null,null]') == Error("a", "X", "", {})
    assert guard.parse('[4,"a","X","why",{"k":1}]') == Error("a", "X", "why", {"k": 1})
    long = guard.parse(json.dumps([4, "a", "X" * 200_000, "y" * 50_000, {}]))
    assert long == Error("a", "X" * guard.CODE_MAX, "y" * guard.DESCRIPTION_MAX, {})

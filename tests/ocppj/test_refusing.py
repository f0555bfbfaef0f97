"""Whoever must keep what is refused hears of it before the refusal leaves, with its whole frame."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edge.ocppj.charge_point import IncomingCall
from edge.ocppj.errors import CallRefused, Code, Unanswerable
from tests.ocppj.payloads import AT
from tests.ocppj.serving import serving

UNREADABLE: dict[str, list[Any]] = {
    "payload": [2, "a", "StopTransaction", {"transactionId": "seven"}],
    "three elements": [2, "a", "StopTransaction"],
    "five elements": [2, "a", "StopTransaction", {}, {}],
    "long id": [2, "a" * 40, "StopTransaction", {}],
    "number for an id": [2, 7, "StopTransaction", {}],
    "too deep": [2, "a", "StopTransaction", json.loads("[" * 20 + "]" * 20)],
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_the_frame_is_told_as_it_came_before_the_refusal(name: str) -> None:
    """Ruling 6: the raw frame first."""
    raw = json.dumps(UNREADABLE[name], indent=1)
    told: list[tuple[str, str | bytes, int]] = []

    async def note(action: str, frame: str | bytes) -> None:
        told.append((action, frame, point.counters.refused))

    async with serving(refusing=note) as (point, far):
        await far.tell(raw)
        assert (await far.hear())[0] == 4
    assert told == [("StopTransaction", raw, 0)]


async def test_a_refusal_can_be_held_back() -> None:
    """What cannot be kept is not refused; the line goes on."""

    async def full(_action: str, _frame: str | bytes) -> None:
        raise Unanswerable("the disk is full")

    async with serving(refusing=full) as (point, far):
        await far.tell(UNREADABLE["payload"])
        await far.tell([2, "b", "Heartbeat", {}])
        assert (await far.hear())[:2] == [3, "b"]
        assert point.counters.ignored["no_answer_due"] == 1


async def test_a_muted_line_keeps_nothing() -> None:
    """No refusal leaves, so nothing can be lost by one."""
    told: list[str] = []

    async def note(action: str, _frame: str | bytes) -> None:
        told.append(action)

    async with serving(refusing=note) as (point, far):
        point.muted = True
        await far.tell(UNREADABLE["payload"])
        await far.tell([2, "b", "Heartbeat", {}])
        assert (await far.hear())[:2] == [3, "b"]
    assert told == []


async def test_who_answers_has_the_frame_and_keeps_it_himself() -> None:
    """A refusal by *answer* is not told again."""
    told: list[str] = []
    heard: list[str | bytes] = []
    raw = json.dumps([2, "a", "Heartbeat", {}], indent=1)

    async def note(action: str, _frame: str | bytes) -> None:
        told.append(action)

    async def refuse(call: IncomingCall) -> dict[str, Any]:
        heard.append(call.raw)
        raise CallRefused(Code.INTERNAL_ERROR, AT)

    async with serving(refuse, refusing=note) as (_, far):
        await far.tell(raw)
        assert (await far.hear())[:3] == [4, "a", "InternalError"]
    assert (told, heard) == ([], [raw])

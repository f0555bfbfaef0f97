"""Calls that come twice are done once and answered alike (ruling 7)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from edge.ocppj.charge_point import IncomingCall
from edge.ocppj.errors import CallRefused
from edge.ocppj.repeats import Repeats
from tests.ocppj.payloads import AT, LAWFUL
from tests.ocppj.serving import serving

ACCEPTED: Final = {"status": "Accepted"}
ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "ClearCache": ACCEPTED,
    "Heartbeat": {"currentTime": AT},
    "StartTransaction": {"transactionId": 1, "idTagInfo": ACCEPTED},
}


async def _count(answers: list[str], incoming: IncomingCall) -> dict[str, Any]:
    answers.append(incoming.unique_id)
    return {"status": "Accepted" if len(answers) == 1 else "Rejected"}


async def test_a_repeated_call_is_done_once_and_answered_alike() -> None:
    """Ruling 7b: a central system that repeats RemoteStart must not start twice."""
    done: list[str] = []
    async with serving(lambda incoming: _count(done, incoming), repeats=Repeats()) as (point, far):
        payload = {"idTag": "A", "connectorId": 1}
        await far.tell([2, "a", "RemoteStartTransaction", payload])
        first = await far.hear()
        reordered = dict(reversed(payload.items()))
        await far.tell([2, "a", "RemoteStartTransaction", reordered])
        assert await far.hear() == first
        await far.tell([2, "a", "RemoteStartTransaction", {"idTag": "B"}])
        assert (await far.hear())[:3] == [4, "a", "GenericError"]
        assert done == ["a"]
        assert point.counters.repeated == 1


async def test_a_repeat_after_a_reconnect_is_answered_alike() -> None:
    """Ruling 7a: ids are unique over all connections, so the memory outlives one."""
    done: list[str] = []
    memory = Repeats()
    for _ in range(2):
        async with serving(lambda incoming: _count(done, incoming), repeats=memory) as (_, far):
            await far.tell([2, "a", "ClearCache", {}])
            assert await far.hear() == [3, "a", ACCEPTED]
    assert done == ["a"]


async def test_only_the_last_answers_are_remembered() -> None:
    """64 in RAM, the oldest goes."""
    done: list[str] = []
    async with serving(lambda incoming: _count(done, incoming), repeats=Repeats(2)) as (_, far):
        for unique_id in ("a", "b", "c", "a", "c"):
            await far.tell([2, unique_id, "ClearCache", {}])
            await far.hear()
    assert done == ["a", "b", "c", "a"]


async def test_a_refusal_is_not_remembered() -> None:
    """Ruling 7b: else a transient error would be the answer for ever."""
    tries: list[str] = []

    async def second_time(incoming: IncomingCall) -> dict[str, Any]:
        tries.append(incoming.unique_id)
        if len(tries) == 1:
            raise CallRefused("InternalError", "later")
        return ACCEPTED

    async with serving(second_time, repeats=Repeats()) as (_, far):
        await far.tell([2, "a", "ClearCache", {}])
        assert (await far.hear())[2] == "InternalError"
        await far.tell([2, "a", "ClearCache", {}])
        assert await far.hear() == [3, "a", ACCEPTED]


@pytest.mark.parametrize(
    ("action", "remembered", "attached"),
    [("StartTransaction", 0, True), ("Heartbeat", 0, False), ("ClearCache", 64, True)],
)
async def test_a_repeat_while_the_first_is_open_is_attached_or_refused(
    action: str, remembered: int, attached: bool
) -> None:
    """Ruling 7b attaches; ruling 8 refuses other open ids where the owner keeps no memory here."""
    gate = asyncio.Event()

    async def wait(_call: IncomingCall) -> dict[str, Any]:
        await gate.wait()
        return ANSWERS[action]

    async with serving(wait, repeats=Repeats(remembered)) as (_, far):
        await far.tell([2, "a", action, LAWFUL[action]])
        await far.tell([2, "a", action, LAWFUL[action]])
        await far.tell([2, "b", "Teleport", {}])  # refused at once: tells that both were sorted
        if not attached:
            assert (await far.hear())[:3] == [4, "a", "GenericError"]
        assert (await far.hear())[:2] == [4, "b"]
        gate.set()
        assert await far.hear() == [3, "a", ANSWERS[action]]

"""Suspicious frames: the first is told at once, a flood of them once per while, with its size."""

from __future__ import annotations

import asyncio
import http
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from edge.core.events import CallReceived, DialPostponed, DialRefused, FramesRefused, LinkUp
from edge.core.vocabulary import SecurityEvent
from edge.drivers.ocpp_conduct import Conduct
from edge.ocppj.charge_point import Suspicion
from tests.drivers.ocpp_bench import Bench, LoopClock, running, served

INVALID = SecurityEvent.INVALID_MESSAGES
REPLAYS = SecurityEvent.ATTEMPTED_REPLAY_ATTACKS
QUIET_S = 0.05


@asynccontextmanager
async def watching() -> AsyncIterator[tuple[Conduct, asyncio.Queue[FramesRefused]]]:
    """A conduct whose quiet times are short, and what it posts."""
    posted: asyncio.Queue[FramesRefused] = asyncio.Queue()
    async with asyncio.timeout(3):
        yield Conduct(posted.put_nowait, LoopClock(), QUIET_S), posted  # type: ignore[arg-type]  # posts these only


async def test_the_first_of_a_kind_is_told_at_once_and_the_flood_later_as_a_number() -> None:
    """The log rolls: whoever floods us shall not wash it out."""
    async with watching() as (conduct, posted):
        for _ in range(500):
            conduct.suspect(Suspicion.INVALID)
        conduct.suspect(Suspicion.REPLAYED)
        first, replay = posted.get_nowait(), posted.get_nowait()
        assert (first.suspicion, first.count) == (INVALID, 1)
        assert (replay.suspicion, replay.count) == (REPLAYS, 1)
        rest = await posted.get()
        assert (rest.suspicion, rest.count) == (INVALID, 499)
        assert rest.at.since(first.at) >= QUIET_S


async def test_after_a_quiet_time_the_next_is_a_first_again() -> None:
    """Nothing happened meanwhile, so nothing is told meanwhile."""
    async with watching() as (conduct, posted):
        conduct.suspect(Suspicion.INVALID)
        loop = asyncio.get_running_loop()
        passed = loop.create_future()
        loop.call_later(2 * QUIET_S, passed.set_result, None)
        await passed
        assert posted.qsize() == 1
        conduct.suspect(Suspicion.INVALID)
        assert posted.qsize() == 2


async def told(bench: Bench, suspicion: SecurityEvent) -> int:
    """How many frames the next `FramesRefused` counts, which must be of *suspicion*."""
    event: FramesRefused = await bench.next(FramesRefused)
    assert event.suspicion is suspicion
    return event.count


@pytest.mark.parametrize(
    "frame", ["not json", '[2,"a","Reset",{}]', '[2,"a","Reset"]'], ids=["noise", "schema", "frame"]
)
async def test_what_is_no_ocpp_message_is_suspicious(frame: str) -> None:
    """Whitepaper 8, InvalidMessages."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        await line.send(frame)
        assert await told(bench, INVALID) == 1


async def test_an_unknown_action_and_a_late_answer_are_not() -> None:
    """They are messages of OCPP, only not for us, or not any more."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        await line.send('[2,"a","Teleport",{}]')
        await line.send('[3,"b",{}]')
        await line.send('[2,"c","ClearCache",{}]')
        await bench.next(CallReceived)
        assert not any(isinstance(event, FramesRefused) for event in bench.seen)


async def test_an_id_with_another_payload_is_a_replay() -> None:
    """Whitepaper 8, AttemptedReplayAttacks; the same frame again is a network that stutters."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        await line.send('[2,"a","Reset",{"type":"Soft"}]')
        await line.send('[2,"a","Reset",{"type":"Soft"}]')
        await line.send('[2,"a","Reset",{"type":"Hard"}]')
        assert await told(bench, REPLAYS) == 1


async def test_a_refused_dial_is_an_event_with_its_reason() -> None:
    """A00: credentials that are not taken; an unreachable host is none."""
    async with served() as server:
        server.status = http.HTTPStatus.UNAUTHORIZED
        async with running(server) as bench:
            refused: DialRefused = await bench.next(DialRefused)
            assert refused.suspicion is SecurityEvent.FAILED_TO_AUTHENTICATE
            assert "HTTP 401" in refused.why
            server.status = http.HTTPStatus.BAD_GATEWAY
            while "502" not in await bench.refusal():
                pass
            while not bench.posted.empty():  # what the dials before had to say
                bench.posted.get_nowait()
            await bench.refusal()
            await bench.next(DialPostponed)
            await bench.next(DialPostponed)
            later = [event for event in bench.seen[1:] if isinstance(event, DialRefused)]
            assert later
            assert not any(event.suspicion for event in later)

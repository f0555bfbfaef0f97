"""A request behind another: on the wire as soon as that is confirmed, and only then."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from edge.core.events import LinkDown, LinkUp, Settled
from edge.core.messages import BootNotification, NoAnswer
from edge.drivers.ocpp_link import WAITING_MAX
from tests.drivers.ocpp_bench import HEARTBEAT, NOW, running, served

WITHHELD = NoAnswer(timed_out=False, withheld=True)
FOLLOWER = {"behind": 1}
BOOT = BootNotification(charge_point_vendor="Tapwatt", charge_point_model="Bay")


@asynccontextmanager
async def pair(within_s: float = 2) -> AsyncIterator[tuple[Any, Any, ServerConnection]]:
    """Request 1 on the wire, request 2 behind it."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        bench.link.send(1, "a", HEARTBEAT, within_s)
        bench.link.send(2, "b", HEARTBEAT, 2, **FOLLOWER)
        assert (await server.hear())[1] == "a"
        yield bench, server, line


async def confirm(line: ServerConnection, message_id: str) -> None:
    await line.send(json.dumps([3, message_id, {"currentTime": NOW}]))


async def test_it_goes_before_anybody_has_thought_about_the_answer() -> None:
    """J 4.1.1 all the same: never before the one ahead is answered."""
    async with pair() as (bench, server, line):
        assert server.heard.empty()
        await confirm(line, "a")
        assert (await server.hear())[1] == "b"
        assert (await bench.next(Settled)).ticket == 1
        await confirm(line, "b")
        assert (await bench.next(Settled)).ticket == 2


async def test_all_that_waits_goes_ahead_of_it() -> None:
    """Ruling 5: a driver at the reader is not kept waiting by a backlog."""
    async with pair() as (bench, server, line):
        bench.link.send(3, "c", HEARTBEAT, 2)
        await confirm(line, "a")
        assert (await server.hear())[1] == "c"
        await confirm(line, "c")
        assert (await server.hear())[1] == "b"
        await confirm(line, "b")
        assert [(await bench.next(Settled)).ticket for _ in range(3)] == [1, 3, 2]


@pytest.mark.parametrize("refusal", ['[4,"a","InternalError","",{}]', None], ids=["error", "none"])
async def test_it_is_withheld_when_the_one_ahead_is_not_confirmed(refusal: str | None) -> None:
    """I3: nothing overtakes a message that must go again."""
    async with pair(within_s=0.1) as (bench, server, line):
        if refusal is not None:
            await line.send(refusal)
        first, second = [await bench.next(Settled) for _ in range(2)]
        assert (first.ticket, second.ticket, second.answer) == (1, 2, WITHHELD)
        bench.link.send(3, "c", HEARTBEAT, 2, behind=2)
        assert (await bench.next(Settled)).answer == WITHHELD
        bench.link.send(4, "d", HEARTBEAT, 2)
        assert (await server.hear())[1] == "d"


async def test_one_behind_a_request_confirmed_long_ago_goes_at_once() -> None:
    """The core hands it over a moment after the answer; that is no reason to withhold it."""
    async with pair() as (bench, server, line):
        await confirm(line, "a")
        await server.hear()
        await confirm(line, "b")
        assert [(await bench.next(Settled)).ticket for _ in range(2)] == [1, 2]
        bench.link.send(3, "c", HEARTBEAT, 2, behind=2)
        assert (await server.hear())[1] == "c"


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_it_is_withheld_when_the_station_is_no_longer_accepted(status: str) -> None:
    """Ruling 26: Pending and Rejected hold the outbox, and what was handed over from it."""
    async with pair() as (bench, server, line):
        bench.link.send(3, "c", BOOT, 2)
        await confirm(line, "a")
        assert (await server.hear())[1] == "c"
        answer = {"currentTime": NOW, "interval": 60, "status": status}
        await line.send(json.dumps([3, "c", answer]))
        settled = [await bench.next(Settled) for _ in range(3)]
        assert [each.ticket for each in settled] == [1, 3, 2]
        assert settled[-1].answer == WITHHELD


async def test_a_full_queue_does_not_settle_it_before_the_one_ahead() -> None:
    """The core relies on the order: a central system that hangs must not end the daemon."""
    async with pair() as (bench, _, line):
        for ticket in range(3, 3 + WAITING_MAX):
            bench.link.send(ticket, f"w{ticket}", HEARTBEAT, 2)
        bench.link.send(99, "f", HEARTBEAT, 2, behind=2 + WAITING_MAX)
        await confirm(line, "a")
        assert (await bench.next(Settled)).ticket == 1


async def test_without_a_line_it_is_withheld() -> None:
    """It was never sent: that says nothing of a peer that drops what it cannot bear."""
    async with pair() as (bench, _, line):
        await line.close(1011)
        await bench.next(LinkDown)
        bench.link.send(3, "c", HEARTBEAT, 2, behind=2)
        assert (await bench.next(Settled)).answer == WITHHELD


async def test_a_line_that_goes_takes_nothing_along_that_was_not_sent() -> None:
    """The message in flight is settled first; only that one says anything of the peer."""
    async with pair() as (bench, _, line):
        bench.link.send(3, "c", HEARTBEAT, 2)
        await line.close(1011)
        settled = [await bench.next(Settled) for _ in range(3)]
        assert [one.ticket for one in settled] == [1, 3, 2]
        assert settled[0].answer.closed_within_s is not None
        assert settled[2].answer == WITHHELD
        assert isinstance(await bench.next(), LinkDown)

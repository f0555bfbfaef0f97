"""The link against a real WebSocket server on loopback: requests, commands, ends and returns."""

from __future__ import annotations

import asyncio
import http
import json
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection

from edge.core import commands, messages
from edge.core.events import CallReceived, DialPostponed, Event, LinkDown, LinkUp, Settled
from edge.core.messages import CallError, NoAnswer
from edge.drivers.ocpp_link import WAITING_MAX, Settings, open_link
from tests.drivers.ocpp_bench import HEARTBEAT, NOW, LoopClock, running, served
from tests.waiting import until


async def test_a_request_is_settled_with_its_typed_answer() -> None:
    """Same id out and in, payload typed."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        bench.link.send(7, "id-7", messages.Authorize(id_tag="A"), 2)
        assert await server.hear() == [2, "id-7", "Authorize", {"idTag": "A"}]
        await line.send('[3,"id-7",{"idTagInfo":{"status":"Blocked"}}]')
        settled = await bench.next()
        assert settled.ticket == 7
        assert settled.answer.id_tag_info.status == "Blocked"


async def test_requests_go_out_one_at_a_time_in_order() -> None:
    """J 4.1.1: the next waits for the answer of the one before."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        for ticket in (1, 2, 3):
            bench.link.send(ticket, f"id-{ticket}", HEARTBEAT, 2)
        for ticket in (1, 2, 3):
            assert (await server.hear())[1] == f"id-{ticket}"
            assert server.heard.empty()
            await line.send(json.dumps([3, f"id-{ticket}", {"currentTime": NOW}]))
            assert (await bench.next(Settled)).ticket == ticket


async def test_a_refusal_settles_as_call_error() -> None:
    """The core decides what a refusal costs (ruling 15)."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        bench.link.send(1, "a", HEARTBEAT, 2)
        await server.hear()
        await line.send('[4,"a","InternalError","database is locked",{"k":1}]')
        assert (await bench.next(Settled)).answer == CallError(
            code="InternalError", description="database is locked", details={"k": 1}
        )


async def test_silence_on_a_living_line_is_timed_out_and_the_next_request_goes_on() -> None:
    """A time-out is told apart from a lost line."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        bench.link.send(1, "a", HEARTBEAT, 0.05)
        bench.link.send(2, "b", HEARTBEAT, 2)
        assert (await bench.next(Settled)).answer == NoAnswer(timed_out=True)
        await server.hear()
        await server.hear()
        await line.send(json.dumps([3, "a", {"currentTime": NOW}]))  # late: ignored
        await line.send(json.dumps([3, "b", {"currentTime": NOW}]))
        assert (await bench.next(Settled)).ticket == 2


async def test_a_line_that_goes_settles_everything_once_and_then_says_so() -> None:
    """In flight, then waiting, one `Settled` each; then `LinkDown`."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        for ticket in (1, 2, 3):
            bench.link.send(ticket, f"id-{ticket}", HEARTBEAT, 2)
        await server.hear()
        await line.close(1012, "restart")
        *settled, down = [await bench.next() for _ in range(4)]
        assert settled == [
            Settled(at=each.at, ticket=ticket, answer=NoAnswer(timed_out=False))
            for ticket, each in enumerate(settled, start=1)
        ]
        assert isinstance(down, LinkDown)
        assert "1012" in down.why
        assert isinstance(await bench.next(), LinkUp)  # and comes back by itself


async def _answer_on_a_line_that_ends(end: Callable[[ServerConnection], Any]) -> NoAnswer:
    """What a request in flight is told when *end* has been done to its line."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        bench.link.send(1, "a", HEARTBEAT, 2)
        await server.hear()
        ended = end(line)
        if ended is not None:
            await ended
        answer = (await bench.next(Settled)).answer
        assert isinstance(answer, NoAnswer)
        assert answer.timed_out is False
        return answer


@pytest.mark.parametrize("code", [1000, 1002, 1008, 1009, 1011])
async def test_a_peer_that_hangs_up_on_a_frame_says_so_by_the_time_it_took(code: int) -> None:
    """Ruling 15: three such in a row and the message is parked."""
    answer = await _answer_on_a_line_that_ends(lambda line: line.close(code))
    assert answer.closed_within_s is not None
    assert 0 <= answer.closed_within_s < 2


async def test_a_peer_that_dies_of_a_frame_counts_as_one_that_hangs_up() -> None:
    """Ruling 15: a central system that crashes sends no close frame."""
    answer = await _answer_on_a_line_that_ends(lambda line: line.transport.abort())
    assert answer.closed_within_s is not None


@pytest.mark.parametrize("code", [1001, 1012, 1013])
async def test_a_peer_that_asks_us_to_come_back_is_excused(code: int) -> None:
    """Ruling 6: a central system whose disk is full closes with 1013; it must cost no session."""
    answer = await _answer_on_a_line_that_ends(lambda line: line.close(code))
    assert answer.closed_within_s is None


async def test_a_line_that_we_cut_ourselves_says_nothing_of_the_peer() -> None:
    """`reconnect` after a silence, or the simulated bay's `net down`."""
    async with served() as server, running(server) as bench:
        await server.line()
        await bench.next(LinkUp)
        bench.link.send(1, "a", HEARTBEAT, 2)
        await server.hear()
        bench.link.reconnect()
        assert (await bench.next(Settled)).answer == NoAnswer(timed_out=False)


async def test_a_send_while_down_settles_at_once() -> None:
    """Nobody waits for a line that is not there."""
    async with served() as server, running(server) as bench:
        server.status = http.HTTPStatus.SERVICE_UNAVAILABLE
        bench.link.send(1, "a", HEARTBEAT, 2)
        settled = await bench.next()
        assert (settled.ticket, settled.answer) == (1, NoAnswer(timed_out=False))


async def test_a_send_before_run_is_settled_when_it_runs() -> None:
    """Exactly one `Settled` per send, also at the very start."""
    async with served() as server:
        link = open_link(Settings(url=server.url), station="A", clock=LoopClock(), random=Random(1))
        link.send(9, "a", HEARTBEAT, 2)
        posted: asyncio.Queue[Event] = asyncio.Queue()
        task = asyncio.create_task(link.run(posted.put_nowait))
        settled = await posted.get()
        assert isinstance(settled, Settled)
        assert settled.ticket == 9
        task.cancel()
        await asyncio.wait([task])


async def test_more_requests_than_the_queue_holds_settle_at_once() -> None:
    """Bounded: a central system that hangs may not fill the memory."""
    async with served() as server, running(server) as bench:
        await server.line()
        await bench.next(LinkUp)
        bench.link.send(0, "first", HEARTBEAT, 2)
        await server.hear()
        for ticket in range(1, WAITING_MAX + 2):
            bench.link.send(ticket, f"id-{ticket}", HEARTBEAT, 2)
        assert (await bench.next(Settled)).ticket == WAITING_MAX + 1


async def test_a_command_reaches_the_core_typed_and_its_reply_the_central_system() -> None:
    """One `CallReceived`, one reply."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await line.send('[2,"c","RemoteStopTransaction",{"transactionId":4711}]')
        received = await bench.next(CallReceived)
        assert received.command == commands.RemoteStopTransaction(transaction_id=4711)
        bench.link.reply(received.call_id, commands.RemoteStopTransactionConf(status="Accepted"))
        assert await server.hear() == [3, "c", {"status": "Accepted"}]


async def test_the_reply_is_on_the_wire_before_what_follows_from_it() -> None:
    """A conformance tool wants RemoteStart.conf before StartTransaction.req."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await line.send('[2,"c","ClearCache",{}]')
        received = await bench.next(CallReceived)
        bench.link.reply(received.call_id, commands.ClearCacheConf(status="Accepted"))
        bench.link.send(1, "s", HEARTBEAT, 2)
        assert [(await server.hear())[0] for _ in range(2)] == [3, 2]


async def test_the_core_s_refusal_becomes_a_call_error() -> None:
    """`reply` takes a `CallError` too."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await line.send('[2,"c","ClearCache",{}]')
        received = await bench.next(CallReceived)
        bench.link.reply(received.call_id, CallError(code="SecurityError", description="no"))
        assert await server.hear() == [4, "c", "SecurityError", "no", {}]


async def test_an_undecided_command_is_answered_internal_error() -> None:
    """The link answers by itself after its limit; the late reply does no harm."""
    async with served() as server, running(server, reply_within_s=0.02) as bench:
        line = await server.line()
        await line.send('[2,"c","ClearCache",{}]')
        received = await bench.next(CallReceived)
        assert (await server.hear())[:3] == [4, "c", "InternalError"]
        bench.link.reply(received.call_id, commands.ClearCacheConf(status="Accepted"))
        await line.send('[2,"d","Teleport",{}]')
        assert (await server.hear())[:3] == [4, "d", "NotImplemented"]


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        ('[2,"c","Heartbeat",{}]', [4, "c", "NotSupported"]),
        ('[2,"c","Teleport",{}]', [4, "c", "NotImplemented"]),
        ('[2,"c","Reset",{"type":"Warm"}]', [4, "c", "PropertyConstraintViolation"]),
        (  # what .NET calls the last moment, told west of Greenwich
            (
                '[2,"c","ReserveNow",{"connectorId":1,"expiryDate":"9999-12-31T23:59:59-05:00",'
                '"idTag":"A","reservationId":1}]'
            ),
            [4, "c", "PropertyConstraintViolation"],
        ),
    ],
)
async def test_what_the_core_does_not_decide_is_answered_here(
    frame: str, answer: list[Any]
) -> None:
    """Ruling 8."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await line.send(frame)
        assert (await server.hear())[:3] == answer
        await bench.next(LinkUp)
        while not bench.posted.empty():
            assert not isinstance(bench.posted.get_nowait(), CallReceived)


REJECTED = f'{{"status":"Rejected","currentTime":"{NOW}","interval":60}}'
ACCEPTED = REJECTED.replace("Rejected", "Accepted")
IDENTITY = messages.BootNotification(charge_point_vendor="T", charge_point_model="B")


async def test_while_rejected_not_even_a_bad_call_is_answered() -> None:
    """S 4.2, ruling 8: the silence lasts over a new line, until the next answer to a boot."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        bench.link.send(1, "a", IDENTITY, 2)
        await server.hear()
        await line.send(f'[3,"a",{REJECTED}]')
        await bench.next(Settled)
        for number in range(2):
            for frame in ('[2,"c","Teleport",{}]', '[2,7,"Reset",{}]', '[2,"c","Heartbeat",{}]'):
                await line.send(frame)
            ignored, due = bench.link.counters.ignored, 3 * (number + 1)
            await until(lambda: ignored["no_answer_due"] == due)  # noqa: B023  awaited at once
            await line.close(1012)
            line = await server.line()
            await bench.next(LinkUp)
        bench.link.send(2, "b", IDENTITY, 2)
        assert (await server.hear())[:2] == [2, "b"]
        await line.send(f'[3,"b",{ACCEPTED}]')
        await bench.next(Settled)
        await line.send('[2,"c","Teleport",{}]')
        assert (await server.hear())[:3] == [4, "c", "NotImplemented"]


async def test_a_repeated_command_reaches_the_core_once_even_over_a_broken_line() -> None:
    """Ruling 7: RemoteStart repeated with its id must not start or reply differently."""
    frame = '[2,"c","RemoteStartTransaction",{"idTag":"A","connectorId":1}]'
    async with served() as server, running(server) as bench:
        line = await server.line()
        await line.send(frame)
        received = await bench.next(CallReceived)
        await line.close(1012)
        await bench.next(LinkDown)
        bench.link.reply(received.call_id, commands.RemoteStartTransactionConf(status="Accepted"))
        for _ in range(2):
            line = await server.line()
            await line.send(frame)
            assert await server.hear() == [3, "c", {"status": "Accepted"}]
            await line.close(1012)
            await bench.next(LinkDown)
        assert [type(each) for each in bench.seen].count(CallReceived) == 1


async def test_garbage_from_the_server_ends_nothing() -> None:
    """Issue 2, 10; what it was is counted."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        for garbage in ("", "{", "[]", "[" * 5000, '[2,"\\ud800","x",{}]', '[3,"?",{}]'):
            await line.send(garbage)
        await line.send(b"\xff\xfe")
        await line.send('[2,"c","Teleport",{}]')
        assert (await server.hear())[:3] == [4, "c", "NotImplemented"]
        assert bench.link.counters.ignored.total() == 7


async def test_an_oversized_frame_closes_the_line_and_the_station_comes_back() -> None:
    """256 KiB, before anything is parsed."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await line.send('[2,"c","DataTransfer",{"vendorId":"' + "x" * 300_000 + '"}]')
        await bench.next(LinkDown)
        await server.line()
        assert isinstance(await bench.next(), LinkUp)


async def test_reconnect_drops_the_socket_and_dials_without_waiting() -> None:
    """The peer accepts frames but answers none: a new socket, now."""
    async with (
        served() as server,
        running(server, backoff_first_s=60, backoff_max_s=60) as bench,
    ):
        await server.line()
        await bench.next(LinkUp)
        bench.link.reconnect()
        assert isinstance(await bench.next(), LinkDown)
        await server.line()
        assert isinstance(await bench.next(), LinkUp)


async def test_a_server_that_takes_sockets_and_serves_nobody_is_waited_for_ever_longer() -> None:
    """Issue 3, 3: neither TCP nor the handshake brings the first wait back, only `reset_back_off`.

    Which is also how the core learns what it keeps over restarts.
    """
    async with served() as server, running(server) as bench:
        for failures in (1, 2, 3, 4, 4):
            line = await server.line()
            await bench.next(LinkUp)
            await line.close(1013)
            assert (await bench.next(DialPostponed)).failures == failures
        line = await server.line()
        await bench.next(LinkUp)
        bench.link.reset_back_off()
        await line.close(1013)
        assert (await bench.next(DialPostponed)).failures == 1


async def test_a_new_process_dials_as_patiently_as_the_last() -> None:
    """A car park that restarts must not storm a central system that is down."""
    async with (
        served() as server,
        running(server, failures=3, backoff_first_s=0.05, backoff_max_s=10.0) as bench,
    ):
        began = asyncio.get_running_loop().time()
        first = await bench.posted.get()
        assert isinstance(first, DialPostponed)
        assert first.failures == 3
        assert isinstance(await bench.next(), LinkUp)
        assert asyncio.get_running_loop().time() - began >= 4 * 0.05 * 0.8


async def test_ending_the_link_says_goodbye() -> None:
    """1001, so that the central system need not guess."""
    async with served() as server:
        async with running(server) as bench:
            line = await server.line()
            await bench.next(LinkUp)
        await line.wait_closed()
        assert line.close_code == 1001
        assert isinstance(await bench.next(), LinkDown)


async def test_a_reply_to_nothing_is_only_logged() -> None:
    """A restarted core may answer what nobody asked."""
    async with served() as server, running(server) as bench:
        await server.line()
        bench.link.reply(99, commands.ClearCacheConf(status="Accepted"))
        assert (await bench.entry("reply_came_too_late"))["call_id"] == 99


def test_settings_are_strict_and_bounded() -> None:
    """Unknown keys and impossible times stop the start."""
    assert msgspec.convert({"url": "ws://localhost"}, Settings).backoff_first_s == 5.0
    for bad in ({"url": "ws://localhost", "pasword": "x"}, {"url": "ws://x", "open_timeout_s": 0}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(bad, Settings)

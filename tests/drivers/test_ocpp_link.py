"""The link against a real WebSocket server on loopback, written here by hand: no code is shared."""

from __future__ import annotations

import asyncio
import base64
import http
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response

from edge.core import commands, messages
from edge.core.events import CallReceived, Event, LinkDown, LinkUp, Settled
from edge.core.instant import Instant
from edge.core.messages import CallError, NoAnswer
from edge.drivers.ocpp_line import WebSocketLine, public_address
from edge.drivers.ocpp_link import WAITING_MAX, OcppLink, Settings, open_link
from edge.errors import LinkRefused

NOW = "2026-03-01T10:00:00Z"
QUICK: dict[str, Any] = {
    "backoff_first_s": 0.01,
    "backoff_max_s": 0.05,
    "close_timeout_s": 0.2,
    "open_timeout_s": 2.0,
}
HEARTBEAT = messages.Heartbeat()


class LoopClock:
    """The event loop's time, at a fixed date."""

    def now(self) -> Instant:
        return Instant(
            wall=datetime(2026, 3, 1, 10, tzinfo=UTC),
            monotonic=asyncio.get_running_loop().time(),
        )

    def learn(self, wall_at: Instant) -> None:
        raise NotImplementedError


@dataclass
class Server:
    """A central system that does what the test tells it, frame by frame."""

    url: str = ""
    status: http.HTTPStatus | None = None
    headers: dict[str, str] = field(default_factory=dict)
    lines: asyncio.Queue[ServerConnection] = field(default_factory=asyncio.Queue)
    heard: asyncio.Queue[list[Any]] = field(default_factory=asyncio.Queue)
    paths: list[str] = field(default_factory=list)

    async def admit(self, line: ServerConnection, request: HttpRequest) -> Response | None:
        self.paths.append(request.path)
        self.headers = dict(request.headers.raw_items())
        return line.respond(self.status, "no\n") if self.status else None

    async def work(self, line: ServerConnection) -> None:
        await self.lines.put(line)
        async for message in line:
            await self.heard.put(json.loads(message))

    async def line(self) -> ServerConnection:
        async with asyncio.timeout(3):
            return await self.lines.get()

    async def hear(self) -> list[Any]:
        async with asyncio.timeout(3):
            return await self.heard.get()


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[Server]:
    server = Server()
    options = {"subprotocols": ["ocpp1.6"], "compression": None, "close_timeout": 0.2} | options
    async with serve(
        server.work, "127.0.0.1", 0, process_request=server.admit, **options
    ) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}/ocpp/"
        yield server


@dataclass
class Bench:
    """A running link, and what it posted."""

    link: OcppLink
    posted: asyncio.Queue[Event]
    seen: list[Event] = field(default_factory=list)

    async def next(self, kind: type | None = None) -> Any:
        """The next event, or the next of *kind*."""
        async with asyncio.timeout(3):
            while True:
                event = await self.posted.get()
                self.seen.append(event)
                if kind is None or isinstance(event, kind):
                    return event


@asynccontextmanager
async def running(server: Server, **settings: Any) -> AsyncIterator[Bench]:
    link = open_link(
        Settings(**{"url": server.url, **QUICK, **settings}),
        station="TAPWATT 1",
        clock=LoopClock(),
        random=Random(1),
    )
    bench = Bench(link, asyncio.Queue())
    task = asyncio.create_task(link.run(bench.posted.put_nowait))
    try:
        yield bench
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


async def test_the_station_dials_its_own_path_with_the_subprotocol() -> None:
    """J 3.1.1: the id is the last element, percent-encoded; `ocpp1.6`; no compression."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        assert isinstance(await bench.next(), LinkUp)
        assert server.paths == ["/ocpp/TAPWATT%201"]
        assert line.subprotocol == "ocpp1.6"
        assert "Sec-WebSocket-Extensions" not in server.headers
        assert "Authorization" not in server.headers


async def test_a_password_makes_a_basic_header() -> None:
    """J 6.2: user is the station id."""
    async with served() as server, running(server, password="s3cret"):
        await server.line()
        expected = base64.b64encode(b"TAPWATT 1:s3cret").decode()
        assert server.headers["Authorization"] == f"Basic {expected}"


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
    """In flight with the time since it was sent, waiting ones without; then `LinkDown`."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        for ticket in (1, 2, 3):
            bench.link.send(ticket, f"id-{ticket}", HEARTBEAT, 2)
        await server.hear()
        await line.close(1012, "restart")
        first, second, third, down = [await bench.next() for _ in range(4)]
        assert first.ticket == 1
        assert first.answer.timed_out is False
        assert 0 <= first.answer.closed_within_s < 2
        assert (second, third) == (
            Settled(at=second.at, ticket=2, answer=NoAnswer(timed_out=False)),
            Settled(at=third.at, ticket=3, answer=NoAnswer(timed_out=False)),
        )
        assert isinstance(down, LinkDown)
        assert "1012" in down.why
        assert isinstance(await bench.next(), LinkUp)  # and comes back by itself


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
        await line.send('[2,"d","GetLocalListVersion",{}]')
        assert await server.hear() == [3, "d", {"listVersion": -1}]


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        ('[2,"c","GetLocalListVersion",{}]', [3, "c", {"listVersion": -1}]),
        (
            '[2,"c","SendLocalList",{"listVersion":1,"updateType":"Full"}]',
            [3, "c", {"status": "NotSupported"}],
        ),
        ('[2,"c","CancelReservation",{"reservationId":1}]', [4, "c", "NotSupported"]),
        ('[2,"c","Teleport",{}]', [4, "c", "NotImplemented"]),
        ('[2,"c","Reset",{"type":"Warm"}]', [4, "c", "PropertyConstraintViolation"]),
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
        assert bench.posted.empty()


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


@pytest.mark.parametrize("status", [401, 403, 404, 426, 500, 503])
async def test_no_http_refusal_is_fatal(status: int) -> None:
    """J errata 3.4: the station retries after 404 as after anything."""
    async with served() as server:
        server.status = http.HTTPStatus(status)
        with capture_logs() as logs:
            async with running(server) as bench:
                await _until(lambda: len(server.paths) >= 3)
                server.status = None
                assert isinstance(await bench.next(), LinkUp)
        refusals = [line for line in logs if line["event"] == "central_system_unreachable"]
        assert refusals
        assert f"HTTP {status}" in refusals[0]["why"]
        assert "check" in refusals[0]["why"]


async def test_a_redirect_is_not_followed() -> None:
    """Security 3.3: the installer named one address."""
    async with served() as elsewhere:
        server = Server()

        async def away(line: ServerConnection, request: HttpRequest) -> Response:
            server.paths.append(request.path)
            response = line.respond(http.HTTPStatus.TEMPORARY_REDIRECT, "")
            response.headers["Location"] = elsewhere.url
            return response

        async with serve(server.work, "127.0.0.1", 0, process_request=away) as listening:
            port = next(iter(listening.sockets)).getsockname()[1]
            server.url = f"ws://127.0.0.1:{port}/"
            async with running(server):
                await _until(lambda: len(server.paths) >= 2)
        assert elsewhere.paths == []


async def test_a_server_without_the_subprotocol_is_no_central_system() -> None:
    """J 3.2: no frame is exchanged; said, and tried again."""
    async with served(subprotocols=None) as server:
        with capture_logs() as logs:
            async with running(server) as bench:
                await _until(lambda: len(server.paths) >= 2)
                assert bench.posted.empty()
        assert any("ocpp1.6" in line.get("why", "") for line in logs)


async def test_nobody_listening_is_said_in_one_sentence_and_tried_again() -> None:
    """Issue 2, 10: what to check."""
    async with served() as server:
        pass
    with capture_logs() as logs:
        async with running(server):
            await _until(
                lambda: sum(line["event"] == "central_system_unreachable" for line in logs) >= 2
            )
    assert "cannot reach ws://127.0.0.1" in logs[0]["why"]
    assert "check that the central system runs" in logs[0]["why"]


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "127.0.0.1", "ws://"])
async def test_an_address_that_is_none_is_said_too(url: str) -> None:
    """A wrong scheme is the commonest slip."""
    with capture_logs() as logs:
        async with running(Server(url=url)):
            await _until(lambda: bool(logs))
    assert "check [csms] url" in logs[0]["why"]


async def test_a_server_that_speaks_no_http_is_said_too() -> None:
    """Port of something else."""

    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()

    other = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with other:
        port = other.sockets[0].getsockname()[1]
        with capture_logs() as logs:
            async with running(Server(url=f"ws://127.0.0.1:{port}")):
                await _until(lambda: bool(logs))
    assert "does not answer as a WebSocket server" in logs[0]["why"]


async def test_a_server_that_never_answers_the_handshake_is_given_up() -> None:
    """An accepting socket is no central system."""
    held: list[asyncio.StreamWriter] = []

    async def mute(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    other = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with other:
        port = other.sockets[0].getsockname()[1]
        with capture_logs() as logs:
            async with running(Server(url=f"ws://127.0.0.1:{port}"), open_timeout_s=0.05):
                await _until(lambda: bool(logs))
        for writer in held:
            writer.close()
    assert "did not answer within 0.05 s" in logs[0]["why"]


async def test_garbage_from_the_server_ends_nothing() -> None:
    """Issue 2, 10; what it was is counted."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        for garbage in ("", "{", "[]", "[" * 5000, '[2,"\\ud800","x",{}]', '[3,"?",{}]'):
            await line.send(garbage)
        await line.send(b"\xff\xfe")
        await line.send('[2,"c","GetLocalListVersion",{}]')
        assert await server.hear() == [3, "c", {"listVersion": -1}]
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


async def test_the_wait_doubles_with_each_failure_up_to_its_limit() -> None:
    """J errata 3.4: back-off; with jitter of a fifth at most, never longer than set."""
    tried_at: list[float] = []

    async def refuse(_url: str) -> WebSocketLine:
        tried_at.append(asyncio.get_running_loop().time())
        raise LinkRefused("no")

    link = open_link(
        Settings(url="ws://x", backoff_first_s=0.02, backoff_max_s=0.08),
        station="A",
        clock=LoopClock(),
        random=Random(1),
        dial=refuse,
    )
    task = asyncio.create_task(link.run(lambda _event: None))
    await _until(lambda: len(tried_at) >= 6)
    task.cancel()
    await asyncio.wait([task])
    waits = [later - earlier for earlier, later in itertools.pairwise(tried_at)]
    for wait_s, base_s in zip(waits, (0.02, 0.04, 0.08, 0.08, 0.08), strict=False):
        assert wait_s >= base_s * 0.8 - 0.001
    assert len(set(waits)) == len(waits)


async def test_the_gate_down_closes_the_socket_until_it_is_up_again() -> None:
    """Verb `net down`: TCP closed and not dialled again."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        bench.link.impair("down")
        assert isinstance(await bench.next(), LinkDown)
        async with asyncio.timeout(3):
            await line.wait_closed()
        await asyncio.wait_for(_settled_down(bench), 3)
        assert len(server.paths) == 1
        bench.link.impair("up")
        assert isinstance(await bench.next(), LinkUp)


async def _settled_down(bench: Bench) -> None:
    """Several back-offs long, nothing may be dialled: each send settles at once."""
    for ticket in range(5):
        bench.link.send(ticket, f"id-{ticket}", HEARTBEAT, 1)
        assert (await bench.next(Settled)).answer == NoAnswer(timed_out=False)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await bench.posted.get()


async def test_the_gate_down_for_a_while_heals_by_itself() -> None:
    """`net down for_s`."""
    async with served() as server, running(server) as bench:
        await server.line()
        await bench.next(LinkUp)
        bench.link.impair("down", 0.05)
        assert isinstance(await bench.next(), LinkDown)
        assert isinstance(await bench.next(), LinkUp)


async def test_the_gate_refuse_lets_every_dial_fail() -> None:
    """`net refuse`: dialled, refused, dialled again."""
    async with served() as server, running(server) as bench:
        await server.line()
        await bench.next(LinkUp)
        with capture_logs() as logs:
            bench.link.impair("refuse")
            assert isinstance(await bench.next(), LinkDown)
            await _until(
                lambda: sum(line["event"] == "central_system_unreachable" for line in logs) >= 3
            )
        assert len(server.paths) == 1
        bench.link.impair("up")
        assert isinstance(await bench.next(), LinkUp)


async def test_in_a_black_hole_nothing_passes_and_the_socket_stays_open() -> None:
    """Neither our frames nor theirs; afterwards both, as TCP would deliver them."""
    async with served() as server, running(server) as bench:
        line = await server.line()
        await bench.next(LinkUp)
        bench.link.impair("blackhole")
        await line.send('[2,"c","ClearCache",{}]')
        bench.link.send(1, "a", HEARTBEAT, 0.1)
        assert (await bench.next()).answer == NoAnswer(timed_out=True)
        bench.link.send(2, "b", HEARTBEAT, 2)
        bench.link.impair("up")
        assert isinstance(await bench.next(), CallReceived)
        assert (await server.hear())[1] == "b"
        assert len(server.paths) == 1


async def test_a_black_hole_is_found_by_pings() -> None:
    """Complaint 8: a half-open line may not look connected for a day."""
    async with (
        served() as server,
        running(server, ping_interval_s=0.05, ping_timeout_s=0.05) as bench,
    ):
        await server.line()
        await bench.next(LinkUp)
        bench.link.impair("blackhole")
        bench.link.send(1, "a", HEARTBEAT, 5)
        assert (await bench.next(Settled)).answer.timed_out is False
        assert isinstance(await bench.next(), LinkDown)
        bench.link.impair("up")
        assert isinstance(await bench.next(LinkUp), LinkUp)


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
        with capture_logs() as logs:
            bench.link.reply(99, commands.ClearCacheConf(status="Accepted"))
        assert logs[0]["event"] == "reply_came_too_late"


def test_settings_are_strict_and_bounded() -> None:
    """Unknown keys and impossible times stop the start."""
    assert msgspec.convert({"url": "ws://x"}, Settings).backoff_first_s == 5.0
    for bad in ({"url": "ws://x", "pasword": "x"}, {"url": "ws://x", "open_timeout_s": 0}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(bad, Settings)


def test_no_password_reaches_the_log() -> None:
    """Addresses are logged without user and password."""
    assert public_address("ws://me:secret@host:9000/ocpp/A") == "ws://host:9000/ocpp/A"


async def _until(condition: Callable[[], bool]) -> None:
    """Let the world go on until *condition* holds."""
    async with asyncio.timeout(3):
        while not condition():  # noqa: ASYNC110  # what the log holds has no event
            await asyncio.sleep(0.002)

"""Dialling, its refusals and the fault gate, against a real WebSocket server on loopback."""

from __future__ import annotations

import asyncio
import base64
import http
import json

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response

from edge.core.events import CallReceived, DialPostponed, DialRefused, LinkDown, LinkUp, Settled
from edge.core.messages import NoAnswer
from edge.drivers.ocpp_line import public_address
from tests.drivers.ocpp_bench import HEARTBEAT, NOW, Bench, Server, running, served


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


@pytest.mark.parametrize("status", [401, 403, 404, 426, 500, 503])
async def test_no_http_refusal_is_fatal(status: int) -> None:
    """J errata 3.4: the station retries after 404 as after anything."""
    async with served() as server:
        server.status = http.HTTPStatus(status)
        async with running(server) as bench:
            for _ in range(2):
                why = await bench.refusal()
                assert f"HTTP {status}" in why
                assert "check" in why
            server.status = None
            await bench.next(LinkUp)


async def test_a_redirect_is_not_followed() -> None:
    """Security 3.3: the installer named one address."""
    async with served() as elsewhere:

        async def away(line: ServerConnection, _request: HttpRequest) -> Response:
            response = line.respond(http.HTTPStatus.TEMPORARY_REDIRECT, "")
            response.headers["Location"] = elsewhere.url
            return response

        async with serve(elsewhere.work, "127.0.0.1", 0, process_request=away) as listening:
            port = next(iter(listening.sockets)).getsockname()[1]
            async with running(Server(url=f"ws://127.0.0.1:{port}/")) as bench:
                assert "HTTP 307" in await bench.refusal()
                assert "HTTP 307" in await bench.refusal()
        assert elsewhere.paths == []


async def test_a_server_without_the_subprotocol_is_no_central_system() -> None:
    """J 3.2: no frame is exchanged; said, and tried again."""
    async with served(subprotocols=None) as server, running(server) as bench:
        for _ in range(2):
            assert "does not speak ocpp1.6" in await bench.refusal()
        line = await server.line()
        await line.wait_closed()
        assert line.close_code == 1002
        assert server.heard.empty()
        assert {type(event) for event in bench.rest()} <= {DialPostponed, DialRefused, DialRefused}


async def test_nobody_listening_is_said_in_one_sentence_and_tried_again() -> None:
    """Issue 2, 10: what to check."""
    async with served() as server:
        pass
    async with running(server) as bench:
        for _ in range(2):
            why = await bench.refusal()
            assert "cannot reach ws://127.0.0.1" in why
            assert "check that the central system runs" in why


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "127.0.0.1", "ws://"])
async def test_an_address_that_is_none_is_said_too(url: str) -> None:
    """A wrong scheme is the commonest slip."""
    async with running(Server(url=url)) as bench:
        assert "check [csms] url" in await bench.refusal()


async def test_a_server_that_speaks_no_http_is_said_too() -> None:
    """Port of something else."""

    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()

    other = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with other:
        port = other.sockets[0].getsockname()[1]
        async with running(Server(url=f"ws://127.0.0.1:{port}")) as bench:
            assert "does not answer as a WebSocket server" in await bench.refusal()


async def test_a_server_that_never_answers_the_handshake_is_given_up() -> None:
    """An accepting socket is no central system."""
    held: list[asyncio.StreamWriter] = []

    async def mute(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    other = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with other:
        port = other.sockets[0].getsockname()[1]
        server = Server(url=f"ws://127.0.0.1:{port}")
        async with running(server, open_timeout_s=0.05) as bench:
            assert "did not answer within 0.05 s" in await bench.refusal()
        for writer in held:
            writer.close()


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
        bench.link.impair("refuse")
        assert isinstance(await bench.next(), LinkDown)
        for _ in range(3):
            assert "refuses connections" in await bench.refusal()
        assert len(server.paths) == 1
        bench.link.impair("up")
        await bench.next(LinkUp)


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


async def test_an_answer_that_breaks_off_is_the_peer_s_doing_and_dialled_again() -> None:
    """Ruling 34: half an answer, then nothing; the message is nobody's, the next line is whole."""
    async with served() as server, running(server) as bench:
        assert not bench.link.break_after(10)
        line = await server.line()
        await bench.next(LinkUp)
        bench.link.send(1, "a", HEARTBEAT, 5)
        await server.hear()
        assert bench.link.break_after(10)
        await line.send(json.dumps([3, "a", {"currentTime": NOW}]))
        answer = (await bench.next(Settled)).answer
        assert isinstance(answer, NoAnswer)
        assert answer.closed_within_s is not None
        await bench.next(LinkDown)
        await bench.next(LinkUp)
        again = await server.line()
        bench.link.send(2, "b", HEARTBEAT, 5)
        await server.hear()
        await again.send(json.dumps([3, "b", {"currentTime": NOW}]))
        assert not isinstance((await bench.next(Settled)).answer, NoAnswer)


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
        assert (await bench.next(Settled)).answer == NoAnswer(timed_out=False)
        assert "did not answer a ping within 0.05 s" in (await bench.next(LinkDown)).why
        bench.link.impair("up")
        assert isinstance(await bench.next(LinkUp), LinkUp)


async def test_pings_begin_on_a_line_that_stands() -> None:
    """9.1.34: ChangeConfiguration said Accepted, so it holds now, not after the next reconnect."""
    async with served() as server, running(server, ping_timeout_s=0.05) as bench:
        await server.line()
        await bench.next(LinkUp)
        bench.link.impair("blackhole")
        bench.link.send(1, "a", HEARTBEAT, 0.3)
        assert (await bench.next(Settled)).answer == NoAnswer(timed_out=True)
        bench.link.use_pings(0.05)
        assert "did not answer a ping" in (await bench.next()).why


async def test_pings_end_on_a_line_that_stands() -> None:
    """9.1.34: 0 disables them; whoever turns them off has the server ping."""
    async with (
        served() as server,
        running(server, ping_interval_s=0.05, ping_timeout_s=0.05) as bench,
    ):
        line = await server.line()
        await bench.next(LinkUp)
        bench.link.send(0, "0", HEARTBEAT, 2)
        await server.hear()
        await line.send(json.dumps([3, "0", {"currentTime": NOW}]))
        await bench.next(Settled)
        bench.link.use_pings(0)
        bench.link.impair("blackhole")
        bench.link.send(1, "a", HEARTBEAT, 0.5)
        assert (await bench.next()).answer == NoAnswer(timed_out=True)
        bench.link.impair("up")
        bench.link.send(2, "b", HEARTBEAT, 2)
        assert (await server.hear())[1] == "b"


async def test_a_line_that_answers_pings_is_kept() -> None:
    """A pong is all that is asked for; meanwhile the line works."""
    async with (
        served() as server,
        running(server, ping_interval_s=0.01, ping_timeout_s=1.0) as bench,
    ):
        line = await server.line()
        await bench.next(LinkUp)
        for number in range(20):
            bench.link.send(number, f"id-{number}", HEARTBEAT, 2)
            await line.send(json.dumps([3, (await server.hear())[1], {"currentTime": NOW}]))
            assert (await bench.next(Settled)).ticket == number
            await asyncio.wait_for(await line.ping(), 1)
        assert len(server.paths) == 1


def test_no_password_reaches_the_log() -> None:
    """Addresses are logged without user and password."""
    assert public_address("ws://me:secret@host:9000/ocpp/A") == "ws://host:9000/ocpp/A"

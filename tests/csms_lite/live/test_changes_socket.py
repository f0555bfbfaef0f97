"""The changes over a WebSocket, and how streams end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.csms_lite.central import PASSWORD, Central, running
from tests.csms_lite.live.following import following


async def to_the_end(socket: ClientConnection) -> None:
    while True:
        await socket.recv()


async def test_the_same_is_told_over_a_websocket(central: Central) -> None:
    """The token by the first message or as a subprotocol, never in the address."""
    url = central.addresses.http.replace("http", "ws") + "/api/events/ws"
    offered = [Subprotocol("tapwatt.events"), Subprotocol(f"bearer.{central.token}")]
    async with connect(url) as by_message, connect(url, subprotocols=offered) as by_protocol:
        assert by_protocol.subprotocol == "tapwatt.events"
        await by_message.send(json.dumps({"token": central.token}))
        hello = [json.loads(await socket.recv()) for socket in (by_message, by_protocol)]
        async with central.station() as station:
            await station.boot()
            told = [json.loads(await socket.recv()) for socket in (by_message, by_protocol)]
        async with connect(url) as later:
            await later.send(json.dumps({"token": central.token, "after": hello[0]["number"]}))
            again = json.loads(await later.recv())
    assert [one["event"] for one in hello] == ["hello", "hello"]
    assert told[0] == told[1] == again
    assert (again["event"], again["charger"]) == ("station", "CP-1")


async def test_a_key_with_the_scope_opens_the_websocket(central: Central) -> None:
    """As it opens the stream of the same; another key opens neither."""
    await central.account()
    login = {"email": "ann@example.org", "password": PASSWORD}
    signed_in = (await central.http.post("/api/auth/login", json=login)).json()
    own = {"Authorization": f"Bearer {signed_in['access_token']}"}
    url = central.addresses.http.replace("http", "ws") + "/api/events/ws"
    for scopes, opens in ((["events:read"], True), (["events:write", "cards:read"], False)):
        body = {"name": "board", "scopes": scopes, "password": PASSWORD}
        made = await central.http.post("/api/users/me/keys", json=body, headers=own)
        assert made.status_code == 201, made.text
        async with connect(url) as socket:
            await socket.send(json.dumps({"token": made.json()["key"]}))
            if opens:
                assert json.loads(await socket.recv())["event"] == "hello"
                continue
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, "events:read" in closed.value.rcvd.reason) == (
                1008,
                True,
            )


async def test_a_strange_wish_is_refused_in_few_bytes(central: Central) -> None:
    """A close reason holds 123 bytes, and a letter may take four."""
    url = central.addresses.http.replace("http", "ws") + "/api/events/ws"
    async with connect(f"{url}?kind={'%F0%9F%94%8C' * 99}") as socket:
        await socket.send(json.dumps({"token": central.token}))
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_a_websocket_tells_what_is_wanted(central: Central) -> None:
    """Chosen in its address, as at the stream; what cannot be wanted is said."""
    url = central.addresses.http.replace("http", "ws") + "/api/events/ws"
    async with (
        connect(f"{url}?kind=connector&charger=CP-1") as socket,
        connect(f"{url}?kind=meeting") as strange,
        central.station() as station,
    ):
        for one in (socket, strange):
            await one.send(json.dumps({"token": central.token}))
        with pytest.raises(ConnectionClosed, match="no kind"):
            await strange.recv()
        assert json.loads(await socket.recv())["event"] == "hello"
        await station.boot()
        await station.status(1, "Available")
        assert json.loads(await socket.recv())["event"] == "connector"


@pytest.mark.parametrize(
    "first",
    [
        "",
        "x",
        "[]",
        '{"token":7}',
        '{"token":""}',
        '{"token":"wrong"}',
        '{"token":"é\\n"}',
        "y" * 9000,
    ],
)
async def test_a_websocket_without_a_good_token_is_closed(central: Central, first: str) -> None:
    """And told nothing before."""
    url = central.addresses.http.replace("http", "ws") + "/api/events/ws"
    async with connect(url) as socket:
        await socket.send(first)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_a_page_of_another_host_gets_no_websocket(tmp_path: Path) -> None:
    """Unless a setting names it; our own pages and programs do."""
    async with running(tmp_path, event_origins=("https://desk.example",)) as central:
        url = central.addresses.http.replace("http", "ws") + "/api/events/ws"
        with pytest.raises(InvalidStatus):
            async with connect(url, origin=Origin("https://evil.example")):
                pass
        for origin in (central.addresses.http, "https://desk.example"):
            async with connect(url, origin=Origin(origin)) as socket:
                await socket.send(json.dumps({"token": central.token}))
                assert json.loads(await socket.recv())["event"] == "hello"


async def test_clients_that_come_and_go_leave_nothing(central: Central) -> None:
    """Streams broken off anywhere are forgotten, and the next still hears."""
    url = central.addresses.http.replace("http", "ws") + "/api/events/ws"
    for _ in range(5):
        async with following(central) as events:
            await events.next()
        socket = await connect(url)
        await socket.send(json.dumps({"token": central.token}))
        socket.transport.abort()
    async with central.station() as station, following(central) as events:
        await events.next()
        await station.boot()
        assert (await events.next())[0] == "station"
        async with asyncio.timeout(5):
            while "tapwatt_followers 1\n" not in (await central.http.get("/metrics")).text:
                pass


async def test_open_streams_end_with_the_central_system(tmp_path: Path) -> None:
    """A WebSocket by 1012, a stream by its end; neither holds up the other."""
    loop = asyncio.get_running_loop()
    async with running(tmp_path) as central, following(central) as events:
        await events.next()
        url = central.addresses.http.replace("http", "ws") + "/api/events/ws"
        async with connect(url) as socket:
            await socket.send(json.dumps({"token": central.token}))
            await socket.recv()
            began = loop.time()
            central.stopping.set()
            with pytest.raises(ConnectionClosed):
                await to_the_end(socket)
            assert socket.close_code == 1012
    assert loop.time() - began < 3

"""Who is slow, stuck or hostile takes nothing from control, and little from the page."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from edge.drivers.page import EACH_MAX, OWN_MAX, VISITORS_MAX, _Guests
from edge.drivers.page.feed import Feed
from edge.drivers.page.http import HEAD_MAX, REQUESTS_MAX, UNSENT_MAX
from tests.drivers.page_bench import (
    EVENTS,
    QUICK,
    browsing,
    is_well,
    place,
    served,
    until_well,
)
from tests.waiting import until


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /" + b"a" * (2 * HEAD_MAX), 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * HEAD_MAX, 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", 405),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    ],
)
async def test_what_is_no_request_for_a_page_ends_the_connection(sent: bytes, status: int) -> None:
    """One answer, and nothing behind it is read."""
    async with served() as page, browsing(page) as browser:
        browser.writer.write(sent + b"GET /hmi/app.js HTTP/1.1\r\nHost: a\r\n\r\n")
        said = await browser.rest()
        assert said.startswith(b"HTTP/1.1 %d" % status)
        assert said.count(b"HTTP/1.1 ") == 1
        assert await is_well(page)


async def test_who_asks_slowly_is_hung_up_on() -> None:
    """A byte now and then holds a place no longer than silence does."""
    async with served(patience=QUICK) as page, browsing(page) as slow, browsing(page) as silent:
        slow.writer.write(b"GET / HT")
        for told in (slow, silent):
            assert await told.rest() == b""
        assert await is_well(page)


async def test_a_connection_asks_only_so_often() -> None:
    """Nobody keeps one for ever."""
    async with served() as page, browsing(page) as browser:
        for _ in range(REQUESTS_MAX):
            assert (await browser.ask("HEAD /"))[0] == 200
        assert await browser.rest() == b""


def held(port: int) -> int:
    """How many connections the kernel holds open for the server on *port*."""
    rows = [row.split() for row in Path("/proc/self/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


async def test_who_never_takes_the_last_answer_keeps_nothing_open() -> None:
    """What fits the room for unsent bytes is answered; then the hanging up is waited for, a while.

    Else each such connection would keep a file of the controller's, beyond every count of guests.
    """
    async with served(patience=QUICK) as page, AsyncExitStack() as hoard:
        assert page._socket is not None
        page._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        host, port = place(page)
        for _ in range(5):
            one = hoard.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            one.connect((host, port))
            one.sendall(b"GET /hmi/style.css HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await until(lambda: held(port) == 5)
        await until(lambda: held(port) == 0)


async def test_a_stuck_watcher_costs_the_others_nothing_and_is_cut_off() -> None:
    """Latest wins: what it does not read is dropped, then it is."""
    async with served(patience=QUICK) as page, browsing(page) as well:
        stuck = socket.create_connection(place(page))
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        well.writer.write(f"GET {EVENTS} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        await until(lambda: page.is_watched)
        seen = -1
        fat = "x" * UNSENT_MAX
        async with asyncio.timeout(20):
            while len(page._site.feed._watchers) != 1 or seen < 100:
                seen += 1
                page.show({"sequence": seen, "fat": fat})
                assert (await well.event())["sequence"] == seen
        stuck.close()


async def test_nobody_takes_all_the_places() -> None:
    """One address has so many, and frees them by leaving."""
    async with served() as page:
        host, port = place(page)
        held = [socket.create_connection((host, port)) for _ in range(OWN_MAX)]
        for each in held:  # an answer: each has its place
            each.sendall(b"GET /hmi/icon.svg HTTP/1.1\r\nHost: a\r\n\r\n")
            await asyncio.to_thread(each.recv, 100)
        async with browsing(page) as late:
            late.writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert await late.rest() == b""
        held[0].close()
        await until_well(page)
        for each in held[1:]:
            each.close()


def test_visitors_never_take_the_screen_s_places() -> None:
    """A network full of strangers leaves this computer's own browser in."""
    guests = _Guests()
    taken = []

    def come(host: str) -> bool:
        held = guests.place(host)
        has_place = held.__enter__()
        taken.append(held)
        return has_place

    assert all(come("192.168.1.9") for _ in range(EACH_MAX))
    assert not come("192.168.1.9")
    others = [f"10.0.0.{number}" for number in range(VISITORS_MAX)]
    assert sum(come(host) for host in others) == VISITORS_MAX - EACH_MAX
    assert come("127.0.0.1")
    assert come("::1")
    for held in taken:
        held.__exit__(None, None, None)
    assert not guests._here
    assert come("10.0.0.1")


async def test_a_page_that_hangs_leaves_the_loop_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its thread is held up by, control goes on: `show` returns at once."""
    go_on = threading.Event()
    offer = Feed.offer

    def hang(feed: Feed, document: bytes) -> None:
        go_on.wait(10)
        offer(feed, document)

    monkeypatch.setattr(Feed, "offer", hang)
    loop = asyncio.get_running_loop()
    async with served() as page, browsing(page) as browser:
        browser.writer.write(f"GET {EVENTS} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        await until(lambda: page.is_watched)
        began = loop.time()
        for sequence in range(1000):
            page.show({"sequence": sequence})
            await asyncio.sleep(0)
        assert loop.time() - began < 5
        go_on.set()
        assert await browser.event()

"""The page that the charging point serves itself: what it answers, and where it is."""

from __future__ import annotations

import asyncio
import json
import socket
import threading

import pytest

from edge.drivers.page import Page, open_page, read_settings
from edge.drivers.page.settings import Settings, address, code_of
from edge.drivers.system_clock import SystemClock
from edge.errors import ConfigError, DriverError
from edge.hmi.files import HEADERS, find_pages
from edge.hmi.qr import qr_svg
from tests.drivers.page_bench import (
    ANY,
    EVENTS,
    QUICK,
    browsing,
    is_well,
    place,
    served,
)
from tests.waiting import until


async def test_it_serves_the_pages_of_hmi_and_nothing_else() -> None:
    """Every file of the live page with its type; tools, recordings and the disk are not there."""
    async with served() as page, browsing(page) as browser:
        status, named, body = await browser.ask("GET /")
        assert (status, body) == (200, (find_pages() / "index.html").read_bytes())
        for path, kind in [
            ("app.js", "javascript"),
            ("words/hi.json", "json"),
            ("icon.svg", "svg"),
        ]:
            status, named, body = await browser.ask(f"GET /hmi/{path}?v=1")
            assert (status, body) == (200, (find_pages() / path).read_bytes())
            assert kind in named["content-type"]
        for path in (
            "/hmi/package.json",
            "/hmi/conformance.json",
            "/hmi/demo/session.json",
            "/hmi/../LICENSE",
            "/hmi/%2e%2e/LICENSE",
            "/etc/passwd",
            "/api/public/stations/OTHER/events",
            "/api/public/stations/CP-1/events",
            "/api/public/stations/TOWN/other",
        ):
            assert (await browser.ask(f"GET {path}"))[0] == 404, path


async def test_each_answer_carries_the_headers_of_the_one_list() -> None:
    """Security 3.3: files, refusals and the stream alike."""
    async with served() as page, browsing(page) as browser:
        for line in ("GET /", "GET /nothing", "HEAD /hmi/app.js", f"GET {EVENTS}"):
            if "events" in line:
                browser.writer.write(f"{line} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
                _, named = await browser.head()
            else:
                _, named, _ = await browser.ask(line)
            assert dict(HEADERS).items() <= named.items(), line
            assert named["date"].endswith("GMT")


async def test_a_file_that_is_known_is_not_sent_again() -> None:
    """After an update the screen gets the new one, else 304."""
    async with served() as page, browsing(page) as browser:
        _, named, _ = await browser.ask("GET /hmi/app.js")
        again = f"If-None-Match: {named['etag']}\r\n"
        status, _, body = await browser.ask("GET /hmi/app.js", again)
        assert (status, body) == (304, b"")
        status, _, _ = await browser.ask("GET /hmi/style.css", again)
        assert status == 200
        status, named, _ = await browser.ask("HEAD /hmi/app.js")
        assert (status, int(named["content-length"])) == (
            200,
            (find_pages() / "app.js").stat().st_size,
        )


async def test_the_page_is_told_its_station_and_where_it_is_on_the_internet() -> None:
    """config.json and the QR code; the id of the central system is in neither."""
    told = Settings(listen="127.0.0.1:0", name="Town Hall", public_url="https://x.example/live")
    async with served(told) as page, browsing(page) as browser:
        config = json.loads((await browser.ask("GET /hmi/config.json"))[2])
        assert (config["feed"], config["station"]) == ("edge", page.code)
        assert (config["name"], config["url"], config["qr"]) == (
            "Town Hall",
            "https://x.example/live",
            "qr.svg",
        )
        assert (await browser.ask("GET /hmi/qr.svg"))[2].startswith(b"<svg")
    async with served() as page, browsing(page) as browser:
        plain = json.loads((await browser.ask("GET /hmi/config.json"))[2])
        assert "qr" not in plain
        assert plain["pages"] != config["pages"]
        assert (await browser.ask("GET /hmi/qr.svg"))[0] == 404


def test_the_code_is_not_the_id_but_follows_from_it() -> None:
    """Security 3.3: ids are not for the public, and a sticker must stay true."""
    code = code_of(Settings(), "CP-1")
    assert len(code) == 8
    assert "CP" not in code
    assert code == code_of(Settings(), "CP-1") != code_of(Settings(), "CP-2")
    assert code_of(Settings(code="TOWN"), "CP-1") == "TOWN"


async def test_a_watcher_sees_the_newest_at_once_and_each_that_follows() -> None:
    """Server-sent events, as from csms_lite; nobody is asked for documents that nobody sees."""
    async with served() as page, browsing(page) as first, browsing(page) as second:
        page.show({"sequence": 1})
        assert not page.is_watched
        first.writer.write(f"GET {EVENTS} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        status, named = await first.head()
        assert (status, named["content-type"]) == (200, "text/event-stream")
        await until(lambda: page.is_watched and page.is_awaited)
        page.show({"sequence": 2})
        assert await first.event() == {"sequence": 2}
        assert not page.is_awaited
        second.writer.write(f"GET {EVENTS} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        assert await second.event() == {"sequence": 2}
        page.show({"sequence": 3})
        assert [await first.event(), await second.event()] == [{"sequence": 3}] * 2
        first.writer.close()
        second.writer.close()
        await until(lambda: not page.is_watched)


async def test_the_status_can_be_asked_for_once() -> None:
    """For scripts; a station that says nothing is said to."""
    async with served() as page, browsing(page) as browser, asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(browser.ask("GET /api/public/stations/TOWN/status"))
        await until(lambda: page.is_watched)
        page.show({"sequence": 7})
        status, named, body = await asked
        assert (status, json.loads(body)) == (200, {"sequence": 7})
        assert named["cache-control"] == "no-store"
        assert (await browser.ask("GET /api/public/stations/TOWN/status"))[0] == 503


async def test_a_bill_is_drawn_for_as_long_as_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, however often it is asked for; who comes later, or asks for another, finds none."""
    drawn: list[str] = []

    def draw(text: str) -> bytes:
        drawn.append(text)
        return qr_svg(text)

    monkeypatch.setattr("edge.hmi.qr.qr_svg", draw)
    first, second = "https://bills.example/4711", "https://bills.example/4712"
    async with served() as page, browsing(page) as watcher, browsing(page) as browser:
        page.show(billed(first))
        assert (await browser.ask(f"GET {bill(1)}"))[0] == 404
        watcher.writer.write(f"GET {EVENTS} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        await watcher.head()
        await until(lambda: page.is_watched)
        page.show(billed(first))
        await watcher.event()
        for line in (f"GET {bill(2)}", f"GET {bill(2)}?of=anything", f"HEAD {bill(2)}"):
            status, named, body = await browser.ask(line)
            assert (status, named["content-type"]) == (200, "image/svg+xml")
            assert named["cache-control"] == "no-store"
            assert line.startswith("HEAD") or body == qr_svg(first)
        assert drawn == [first]
        for path in (bill(1), bill(3), bill(-2), bill("02"), bill("2.svg/../bill-2")):
            assert (await browser.ask(f"GET {path}"))[0] == 404, path
        page.show(billed(second))
        await watcher.event()
        assert (await browser.ask(f"GET {bill(2)}"))[2] == qr_svg(second)
        page.show(billed(None))
        await watcher.event()
        assert (await browser.ask(f"GET {bill(2)}"))[0] == 404
        assert drawn == [first, second]
        page.show(billed(first))
        await watcher.event()
        watcher.writer.close()
        await until(lambda: not page.is_watched)
        assert (await browser.ask(f"GET {bill(2)}"))[0] == 404


def bill(connector: object) -> str:
    """Where the picture of a bill is."""
    return f"/api/public/stations/TOWN/bill-{connector}.svg"


def billed(text: str | None) -> dict[str, object]:
    """A document in which connector 2 has a bill, and connector 1 a price."""
    costs = ({"amount": "1.35"}, {"qr_code_text": text})
    connectors = [{"connector": at, "cost": cost} for at, cost in enumerate(costs, start=1)]
    return {"sequence": 1, "connectors": [*connectors, {"connector": 3, "cost": None}]}


async def test_the_longest_bill_can_be_drawn() -> None:
    """What the contract lets through costs time, not the page."""
    async with served() as page, browsing(page) as watcher, browsing(page) as browser:
        watcher.writer.write(f"GET {EVENTS} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        await watcher.head()
        await until(lambda: page.is_watched)
        page.show(billed("🔌" * 512))
        await watcher.event()
        assert (await browser.ask(f"GET {bill(2)}"))[0] == 200


async def test_a_quiet_stream_says_that_it_lives() -> None:
    """The page calls a line lost that is silent for 20 s."""
    async with served(patience=QUICK) as page, browsing(page) as browser:
        browser.writer.write(f"GET {EVENTS} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        await browser.head()
        async with asyncio.timeout(5):
            while b": still here" not in await browser.reader.readline():
                pass


# ── its address ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("listen", "meant"),
    [
        ("127.0.0.1:8081", ("127.0.0.1", 8081)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:0", ("::1", 0)),
        ("off", None),
    ],
)
def test_an_address_is_understood(listen: str, meant: tuple[str, int] | None) -> None:
    """Of this computer, of its network, or none."""
    assert address(listen) == meant


def test_the_table_is_checked_before_anything_starts() -> None:
    """A wrong word stops the start and says which one was meant; off and nothing mean no page."""
    assert read_settings(None) is None
    assert read_settings({"listen": "off"}) is None
    assert read_settings({}) == Settings(listen="127.0.0.1:8081")
    for table, said in (
        ({"listn": "off"}, 'did you mean "listen"'),
        ({"listen": "here"}, "write "),
        ({"code": "a/b"}, "code"),
        ({"name": ""}, "name"),
        ({"public_url": "javascript:alert(1)"}, "public_url"),
    ):
        with pytest.raises(ConfigError, match=said):
            read_settings(table)


@pytest.mark.parametrize("listen", ["", "8081", "127.0.0.1", "here:80", "127.0.0.1:x", ":1:99999"])
def test_no_address_gets_a_sentence(listen: str) -> None:
    """It says what to write."""
    with pytest.raises(ConfigError, match=r'write "127\.0\.0\.1:8081"'):
        address(listen)


async def test_a_port_that_is_taken_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A charging point works without its page, and has it once it can."""
    monkeypatch.setattr("edge.drivers.page.RETRY_S", 0.01)
    other = socket.create_server(("127.0.0.1", 0))
    taken = Settings(listen=f"127.0.0.1:{other.getsockname()[1]}", code="TOWN")
    async with served(taken) as page:
        assert page.url is None
        page.show({"sequence": 1})
        other.close()
        await until(lambda: page.url is not None)
        assert await is_well(page)


async def test_the_end_of_the_thread_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is begun anew, by whoever runs it."""
    monkeypatch.setattr(Page, "_serve", ending_at_once)
    async with open_page(ANY, station="CP-1", clock=SystemClock()) as page:
        with pytest.raises(DriverError, match="thread has ended"):
            await page.run()
        assert page.url is None
        monkeypatch.undo()
        monkeypatch.setattr("edge.drivers.page.RETRY_S", 0.01)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(page.run())
            await until(lambda: page.url is not None)
            assert await is_well(page)
            serving.cancel()


async def test_nothing_is_left_at_the_end() -> None:
    """The port is free again, the thread gone, the streams closed."""
    async with served() as page, browsing(page) as browser:
        browser.writer.write(f"GET {EVENTS} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        await until(lambda: page.is_watched)
        where = place(page)
        await browser.head()
    assert b"data" not in await browser.rest()
    await until(lambda: not any(one.name == "page" for one in threading.enumerate()))
    socket.create_server(where).close()
    page.show({"sequence": 1})


async def ending_at_once(_page: Page, _sock: socket.socket) -> None:
    """A thread that has nothing to do."""

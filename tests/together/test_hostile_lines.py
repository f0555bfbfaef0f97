"""Offline first: the real link at far ends that are wrong, the core that lives on, and their end.

The link dials a switch on loopback. While that leads to something hostile the trouble has its name,
a driver charges by local rules, and once it leads to a central system again all is well by itself.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from edge.core import why
from edge.core.access import Access
from edge.core.effects import Energise
from edge.core.events import DialRefused, Event, LinkUp
from edge.core.instant import Instant
from edge.core.messages import StartTransaction
from edge.core.records import TagCached, TransactionOpened
from edge.core.saved import Saved
from edge.core.vocabulary import Trouble
from edge.drivers.ocpp_link import Settings, open_link
from edge.runtime.snapshot import snapshot
from tests.certificates import authority
from tests.core.bench import ALICE, GOOD, at, of, setup
from tests.core.build import Rig
from tests.drivers.ocpp_bench import QUICK, Server, served
from tests.drivers.tls_bench import ca_file, secured
from tests.waiting import until

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
KEY = "00112233445566778899aabbccddeeff00112233"
PAGE = "<html><body>Please log in to the hotel's network</body></html>"
HOUR_S = 3600.0


@dataclass
class Switch:
    """A port that leads to what the test says: a far end's own port, or a hostile talk."""

    to: int | Talk
    port: int = 0
    dials: int = 0
    _talks: set[asyncio.Task[Any]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.dials += 1
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            if isinstance(self.to, int):
                far, away = await asyncio.open_connection("127.0.0.1", self.to)
                async with asyncio.TaskGroup() as both:
                    both.create_task(pipe(reader, away))
                    both.create_task(pipe(far, writer))
            else:
                await self.to(reader, writer)
        except (OSError, ExceptionGroup, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._talks.discard(task)

    def close(self) -> None:
        for task in self._talks:
            task.cancel()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def switched(to: int | Talk) -> AsyncIterator[Switch]:
    switch = Switch(to)
    server = await asyncio.start_server(switch.serve, "127.0.0.1", 0)
    switch.port = server.sockets[0].getsockname()[1]
    try:
        yield switch
    finally:
        server.close()
        switch.close()


def answers(status: str, *headers: str, body: str = "") -> Talk:
    """Whatever is asked, this is the answer."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body]
        writer.write("\r\n".join(head).encode())
        await writer.drain()

    return talk


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def noise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


class Charger:
    """The core with its hardware, and the real link in the place of a scripted line."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.ups = 0
        self.troubles: list[Trouble] = []

    def now(self) -> Instant:
        return self.rig.instant

    def learn(self, wall_at: Instant) -> None:
        raise NotImplementedError

    def post(self, event: Event) -> None:
        self.rig.step(event)
        if isinstance(event, LinkUp):
            self.ups += 1
        if isinstance(event, DialRefused):
            self.troubles.append(event.trouble)

    @property
    def line(self) -> dict[str, Any] | None:
        line: dict[str, Any] | None = snapshot(self.rig.state, self.rig.instant)["line"]
        return line

    def charge(self) -> None:
        """A driver comes and lays a card that is known here."""
        assert not self.rig.state.station.registration.online
        self.rig.plug()
        self.rig.tap()
        assert self.rig.written(TransactionOpened)
        assert of(Energise, self.rig.log)


@asynccontextmanager
async def charging_point(
    url: str, *, trusted: bool = True, **settings: Any
) -> AsyncIterator[Charger]:
    saved = Saved(cache=(TagCached(id_tag=ALICE.lower(), info=GOOD, at=at(0)),))
    rig = Rig(setup(), saved=saved, trusted=trusted).start()
    charger = Charger(rig)
    profile = 2 if url.startswith("wss") else 0
    link = open_link(
        Settings(**{"url": url, **QUICK, **settings}),
        station="CP-1",
        clock=charger,
        random=Random(1),
        attempts=(Access(profile=profile, key=KEY),),
    )
    task = asyncio.create_task(link.run(charger.post))
    try:
        yield charger
    finally:
        task.cancel()
        await asyncio.wait([task])


PLAIN: dict[str, tuple[Talk, Trouble]] = {
    "portal_page": (answers("200 OK", "Content-Type: text/html", body=PAGE), Trouble.PORTAL),
    "portal_moved": (answers("302 Found", "Location: http://192.0.2.1/login"), Trouble.PORTAL),
    "portal_511": (answers("511 Network Authentication Required", body=PAGE), Trouble.PORTAL),
    "not_http": (noise, Trouble.PORTAL),
    "silent": (silence, Trouble.SILENT),
    "401": (answers("401 Unauthorized"), Trouble.UNAUTHORISED),
    "403": (answers("403 Forbidden"), Trouble.FORBIDDEN),
    "404": (answers("404 Not Found"), Trouble.NOT_FOUND),
    "400": (answers("400 Bad Request"), Trouble.NOT_FOUND),
    "429": (answers("429 Too Many Requests"), Trouble.TOO_OFTEN),
    "500": (answers("500 Internal Server Error"), Trouble.BROKEN),
    "502": (answers("502 Bad Gateway", body=PAGE), Trouble.BROKEN),
    "503": (answers("503 Service Unavailable"), Trouble.BROKEN),
}


@pytest.mark.parametrize("name", PLAIN)
async def test_a_far_end_that_is_wrong_is_named_and_outlived(name: str) -> None:
    """For an hour, and then it heals: no restart, no hand."""
    talk, trouble = PLAIN[name]
    async with (
        served() as server,
        switched(talk) as switch,
        charging_point(f"ws://127.0.0.1:{switch.port}/ocpp", open_timeout_s=0.3) as charger,
    ):
        await until(lambda: charger.troubles)
        charger.charge()
        charger.rig.wait(HOUR_S)
        seen = len(charger.troubles)
        await until(lambda: len(charger.troubles) > seen)
        assert set(charger.troubles) == {trouble}
        line = charger.line
        assert line is not None
        assert line["since_s"] >= HOUR_S
        assert line["remedy"]
        await heals(charger, switch, server)


async def heals(charger: Charger, switch: Switch, server: Server) -> None:
    """The switch leads to a central system again: the line opens, nothing is said of trouble."""
    switch.to = port_of(server)
    await until(lambda: charger.ups)
    assert charger.rig.state.station.line.trouble is None
    assert why.line(charger.rig.state) is not None  # it waits for BootNotification's answer
    charger.rig.answer_all()
    assert why.line(charger.rig.state) is None
    charger.rig.answer_all()
    assert charger.rig.messages(StartTransaction)


async def test_another_subprotocol_is_named_and_outlived() -> None:
    """A central system for 2.0.1 only, until somebody switches 1.6 on."""
    async with (
        served() as server,
        served(subprotocols=["ocpp2.0.1"], select_subprotocol=lambda *_: None) as other,
        switched(port_of(other)) as switch,
        charging_point(f"ws://127.0.0.1:{switch.port}/ocpp") as charger,
    ):
        await until(lambda: charger.troubles)
        assert set(charger.troubles) == {Trouble.SUBPROTOCOL}
        charger.charge()
        await heals(charger, switch, server)


async def test_a_port_where_nobody_listens_is_outlived() -> None:
    """The central system is down, or the cable is out."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    async with (
        served() as server,
        charging_point(f"ws://127.0.0.1:{port}/ocpp") as charger,
        AsyncExitStack() as stack,
    ):
        await until(lambda: charger.troubles)
        assert set(charger.troubles) == {Trouble.UNREACHABLE}
        charger.charge()
        switch = Switch(port_of(server))
        back = await asyncio.start_server(switch.serve, "127.0.0.1", port)
        stack.callback(switch.close)
        stack.callback(back.close)
        await heals(charger, switch, server)


async def test_a_dead_dns_is_named_and_outlived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated below the real resolver's call: the name fails until the server is back."""
    is_dead, real = [True], socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "central.localhost":
            return real(host, *rest, **more)
        if is_dead:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    async with (
        served() as server,
        switched(port_of(server)) as switch,
        charging_point(f"ws://central.localhost:{switch.port}/ocpp") as charger,
    ):
        await until(lambda: charger.troubles)
        assert set(charger.troubles) == {Trouble.NAME}
        charger.charge()
        is_dead.clear()
        await heals(charger, switch, server)


TLS: dict[str, tuple[dict[str, Any], Trouble]] = {
    "another_name": ({"hosts": ("portal.hotel.example",)}, Trouble.CERTIFICATE_NAME),
    "certificate_over": ({"days": (-30, -1)}, Trouble.CERTIFICATE_OVER),
    "clock_years_behind": ({"days": (3 * 365, 5 * 365)}, Trouble.CERTIFICATE_EARLY),
    "clock_years_ahead": ({"days": (-9 * 365, -7 * 365)}, Trouble.CERTIFICATE_OVER),
}


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("name", TLS)
async def test_a_certificate_that_does_not_hold_is_named_and_outlived(
    tmp_path: Path, name: str, trusted: bool
) -> None:
    """By our clock: a certificate of other years is what a clock of other years makes of any."""
    fault, trouble = TLS[name]
    root = authority()
    (tmp_path / "bad").mkdir()
    async with (
        secured(root, tmp_path) as server,
        secured(root, tmp_path / "bad", **fault) as bad,
        switched(port_of(bad)) as switch,
        charging_point(
            f"wss://127.0.0.1:{switch.port}/ocpp", trusted=trusted, ca_file=ca_file(root, tmp_path)
        ) as charger,
    ):
        await until(lambda: charger.troubles)
        assert set(charger.troubles) == {trouble}
        line = charger.line
        assert line is not None
        is_of_time = trouble is not Trouble.CERTIFICATE_NAME
        assert ("clock" in line["what"]) is (is_of_time and not trusted)
        charger.charge()
        await heals(charger, switch, server)


@pytest.mark.parametrize("days", [(-30, -1), (-1, 30)])
async def test_an_authority_that_is_over_or_unknown_is_outlived(
    tmp_path: Path, days: tuple[float, float]
) -> None:
    """Complaint 32: the root ran out for a whole fleet, or a stranger's vouches."""
    root, other = authority(), authority("Other", days=days)
    (tmp_path / "bad").mkdir()
    is_over = days[1] < 0
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(root.pem + other.pem * is_over)
    async with (
        secured(root, tmp_path) as server,
        secured(other, tmp_path / "bad") as bad,
        switched(port_of(bad)) as switch,
        charging_point(f"wss://127.0.0.1:{switch.port}/ocpp", ca_file=str(trusted)) as charger,
    ):
        wanted = Trouble.CERTIFICATE_OVER if is_over else Trouble.CERTIFICATE
        await until(lambda: wanted in charger.troubles)
        charger.charge()
        await heals(charger, switch, server)


async def test_no_tls_at_all_is_named(tmp_path: Path) -> None:
    """A plain server at the port of TLS, as some portals have it."""
    root = authority()
    async with (
        secured(root, tmp_path) as server,
        switched(answers("200 OK", body=PAGE)) as switch,
        charging_point(
            f"wss://127.0.0.1:{switch.port}/ocpp",
            ca_file=ca_file(root, tmp_path),
            open_timeout_s=0.5,
        ) as charger,
    ):
        await until(lambda: charger.troubles)
        assert set(charger.troubles) <= {Trouble.TLS, Trouble.UNREACHABLE, Trouble.SILENT}
        charger.charge()
        await heals(charger, switch, server)


def port_of(server: Server) -> int:
    return int(server.url.partition("127.0.0.1:")[2].partition("/")[0])

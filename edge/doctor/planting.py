"""One fault planted: a simulated bay, a made-up computer and a central system, as a site."""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
import os
import pty
import socket
import ssl
import tty
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, Final

from edge.app.hardware import Tables
from edge.config.settings import Settings, Station
from edge.control.server import listen
from edge.core.instant import rfc3339
from edge.doctor.bay import attached, tables_of
from edge.doctor.planted import Central, Fault, MadeUp, put, taken_from
from edge.doctor.site import Computer, Consent, Search, Site
from edge.drivers.gpio_pins import open_input
from edge.drivers.meter_search import Line
from edge.drivers.system_clock import SystemClock
from edge.sim.authority import Authority, make_authority
from edge.sim.bay import Bay, BaySetup, open_bay
from edge.sim.central import Conduct, serve_central
from edge.sim.pins import own_tables
from edge.sim.verbs import streams, verbs
from edge.sim.wires import BayWanted

LOADED: Final = 1  # the connector with the test load
SECOND: Final = 2
LOAD_W: Final = 2000.0
SEARCH: Final = Search(  # a pty knows no parity, and no fault below sets another unit
    lines=(Line(baudrate=9600, parity="N"), Line(baudrate=19200, parity="N")),
    units=(1, 2, 3, 9, 10, 11),
    within_s=30.0,
)
OPEN_S: Final = 2.0  # a handshake on loopback
YEAR: Final = dt.timedelta(days=365)
BYTES: Final = 1024


@asynccontextmanager
async def planted(fault: Fault, folder: Path) -> AsyncIterator[Site]:
    """A site with *fault* and no other; it lives in *folder*."""
    clock = SystemClock(ntp=lambda: fault.computer.ntp)
    async with AsyncExitStack() as stack:
        lines = stack.enter_context(_lines())
        csms = await _serve(stack, fault.central, folder, clock.now().wall)
        tables, readers = await _wire(stack, fault, lines, folder)
        root = _make_up(fault.computer, lines, folder)
        yield Site(
            settings=Settings(station=Station(id="SELF-TEST"), csms=csms),
            tables=tables,
            clock=clock,
            random=Random(fault.name),  # noqa: S311  numbers of messages, nothing secret
            state_dir=Path(fault.computer.state_dir or folder),
            consent=Consent(loads=frozenset({LOADED}), clicks=frozenset({LOADED, SECOND})),
            search=SEARCH,
            computer=Computer(
                root=root,
                serial_ports=(*readers, *lines.values()),
                ntp_holds=lambda: fault.computer.ntp,
            ),
        )


async def _wire(
    stack: AsyncExitStack, fault: Fault, lines: Mapping[str, str], folder: Path
) -> tuple[Tables, list[str]]:
    """The bay with the fault on its wires: the tables as configured, and where its readers are."""
    standard = own_tables(
        2, readers=1, meter_bus="rtu", meter_model="sdm120", evse="gpio", phases=1
    )
    wired = put(standard, fault.wired)
    bay = await stack.enter_async_context(open_bay(BaySetup(tables=wired, draw_w=LOAD_W)))
    own_socket = folder / "sim.sock"
    await stack.enter_async_context(listen(own_socket, verbs(bay), streams(bay)))
    wanted = BayWanted(tables=wired, draw_w=LOAD_W)
    real = await stack.enter_async_context(attached(own_socket, wanted))
    await _do(bay, fault)
    if fault.taken is not None:
        other = open_input(fault.taken, active_high=True, pull=True, pin_factory=real.pin_factory)
        stack.enter_context(other)
    configured = taken_from(bay.tables(), standard, fault.wired)
    named = {path: _filled(value, lines) for path, value in fault.configured.items()}
    tables = tables_of(put(configured, named), real.pin_factory)
    return tables, [reader.path for reader in bay.readers]


async def _do(bay: Bay, fault: Fault) -> None:
    """Plug the load in, and do to the bay what the fault says."""
    does = verbs(bay)
    await _call(does["plug"], connector=LOADED)
    for op, said in fault.verbs:
        await _call(does[op], **said)


async def _call(verb: Callable[..., Any], **said: Any) -> None:
    answer = verb(**said)
    if inspect.isawaitable(answer):
        await answer


def _filled(value: Any, lines: Mapping[str, str]) -> Any:
    return value.format_map(lines) if isinstance(value, str) else value


@contextmanager
def _lines() -> Iterator[Mapping[str, str]]:
    """Serial lines without a reader: `spare` with nothing on it, `loop` hears its own words."""
    loop = asyncio.get_running_loop()
    with ExitStack() as stack:
        paths: dict[str, str] = {}
        for name in ("spare", "loop"):
            near, far = pty.openpty()
            stack.callback(os.close, near)
            stack.callback(os.close, far)
            tty.setraw(far)
            os.set_blocking(near, False)
            paths[name] = os.ttyname(far)
            if name == "loop":
                loop.add_reader(near, _return, near)
                stack.callback(loop.remove_reader, near)
        yield paths


def _return(line: int) -> None:
    with suppress(BlockingIOError):
        os.write(line, os.read(line, BYTES))


def _make_up(says: MadeUp, lines: Mapping[str, str], folder: Path) -> Path:
    """The root of a computer that says so of itself."""
    root = folder / "root"
    console = Path(_filled(says.console, lines))
    name = console.relative_to("/dev") if console.is_absolute() else console
    for place, text in {
        "proc/cmdline": f"console={name} root=/dev/mmcblk0p2\n",
        "proc/self/mountinfo": f"24 1 179:2 / / rw,noatime shared:1 - {says.mount} /dev/root rw\n",
        "sys/devices/platform/soc/soc:firmware/get_throttled": f"{says.throttled}\n",
        "sys/class/rtc/rtc0/name": "rtc-ds1307\n",
    }.items():
        file = root / place
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="ascii")
    return root


async def _serve(
    stack: AsyncExitStack, central: Central, folder: Path, now: dt.datetime
) -> dict[str, Any]:
    """Start the central system; the table [csms] that leads to it."""
    authority = make_authority(folder, "root", now)
    conduct = Conduct(
        status=central.status,
        subprotocol=central.subprotocol,
        boot=central.boot,
        current_time=rfc3339(now),
        mute=central.mute,
    )
    if central.port == "closed":
        port = _closed_port()
    else:
        context = _certified(central, authority, folder, now)
        port = await stack.enter_async_context(serve_central(conduct, context))
    scheme = "ws" if central.tls is None else "wss"
    return {
        "url": f"{scheme}://{central.host}:{port}/ocpp",
        "ca_file": str(authority.file),
        "open_timeout_s": OPEN_S,
        "insecure": True,
        "password": central.password,
    }


def _certified(
    central: Central, authority: Authority, folder: Path, now: dt.datetime
) -> ssl.SSLContext | None:
    """The server's side of TLS, with what is wrong about its certificate."""
    match central.tls:
        case None | "none":
            return None
        case "stranger":
            stranger = make_authority(folder, "stranger", now)
            return stranger.server(folder, host=central.host, at=now)
        case "expired":
            return authority.server(folder, host=central.host, at=now - YEAR)
        case "other name":
            return authority.server(folder, host="other.invalid", at=now)
        case _:
            return authority.server(folder, host=central.host, at=now)


def _closed_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port

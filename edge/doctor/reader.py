"""The card readers: the driver at work for a moment, and where it fails, what the line says.

Unpowered, TX and RX swapped, and set to another interface all look alike on a serial line: nothing
comes. So the other lines are asked too, and the remedy goes through the causes by their number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.doctor.finding import Finding, Kind, fault, notice, ok
from edge.doctor.running import running
from edge.doctor.site import Site
from edge.drivers.pn532_probe import Heard, ask
from edge.drivers.registry import Rig, choose
from edge.errors import DriverError

ALIVE_S: Final = 2.5  # the library tries for 1.5 s to wake a reader that is not there

ANSWERS = ok("reader.answers", "[{where}] the reader on {port} answers{firmware}")
NO_PORT = fault(
    "reader.no_port",
    "[{where}] the serial line {port} is not there",
    "check the adapter's plug, or turn the line on (enable_uart=1 in config.txt); `ls -l"
    " /dev/serial*` shows what there is",
)
CONSOLE = fault(
    "reader.console",
    "[{where}] the kernel's console talks on {port}, into the reader",
    "take console=… from /boot/firmware/cmdline.txt (raspi-config: serial port, no login shell)",
)
ELSEWHERE = fault(
    "reader.elsewhere",
    "[{where}] nothing answers on {port}, and a PN532 does on {found_on}",
    'write port = "{found_on}"',
)
GARBLED = fault(
    "reader.garbled",
    "[{where}] what comes from {port} is not whole",
    "join the grounds of reader and computer, and keep their wires short and off the contactor's",
)
ECHO = fault(
    "reader.echo",
    "[{where}] {port} hears its own words",
    "TX and RX touch each other: take the wires apart",
)
SILENT = fault(
    "reader.silent",
    "[{where}] nothing comes back on {port}",
    "check the reader's 5 V, then that its switches say HSU (both off), then swap TX and RX",
)
DEAD = fault(
    "reader.dead",
    "[{where}] the reader does not work: {why}",
    "check its power, its wires and its interface switches",
)
FALTERS = fault(
    "reader.falters",
    "[{where}] the reader on {port} answers one question and then no more: {why}",
    "give it a supply of its own: the field takes more current than an idle reader",
)
NONE = notice(
    "reader.none",
    "there is no card reader: only the central system can start a session",
    "add [readers.0] if there is one",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of one reader: the driver's complaint, what its own line said, and others.

    *heard* is `None` where there is no such line, or its kind of reader has none.
    """

    where: str
    port: str
    complaint: str | None
    has_line: bool
    heard: Heard | None = None
    firmware: str = ""
    found_on: Sequence[str] = ()
    is_console: bool = False


async def examine(site: Site, rig: Rig, _found: Sequence[Finding]) -> list[Finding]:
    """Let each reader work for a moment."""
    found: list[Finding] = []
    for number, table in sorted(site.tables.readers.items()):
        found.append(judge(await _look(site, rig, number, table)))
    return found or [NONE.at("readers")]


async def _look(site: Site, rig: Rig, number: int, table: Mapping[str, Any]) -> Seen:
    where = f"readers.{number}"
    chosen = choose("reader", table, where)
    port = str(table.get("port", table["kind"]))
    has_line = "port" in table
    async with chosen.open(rig, number) as reader:
        complaint = await _complaint(reader)
    if not has_line:
        return Seen(where=where, port=port, complaint=complaint, has_line=False)
    heard, firmware = await _heard(port)
    if complaint is not None and heard is Heard.READER:
        async with chosen.open(rig, number) as reader:
            complaint = await _complaint(reader)  # one that answers gets a second chance
    others = () if complaint is None else await _others(site, port)
    return Seen(
        where=where,
        port=port,
        complaint=complaint,
        has_line=True,
        heard=heard,
        firmware=firmware,
        found_on=others,
        is_console=is_console(port, site.computer.root),
    )


async def _complaint(reader: Any) -> str | None:
    """What the driver says while it works; `None` if it has nothing to complain of."""
    try:
        async with running(reader, lambda _event: None):
            await asyncio.sleep(ALIVE_S)
    except DriverError as error:
        return str(error)
    return None


async def _heard(port: str) -> tuple[Heard | None, str]:
    try:
        return await ask(port)
    except DriverError:
        return None, ""


async def _others(site: Site, port: str) -> tuple[str, ...]:
    """Every other serial line on which a PN532 answers."""
    return tuple(
        [other for other in _strangers(site, port) if (await _heard(other))[0] is Heard.READER]
    )


def _strangers(site: Site, port: str) -> list[str]:
    """The serial lines that neither this reader nor a bus is said to be on."""
    named = {port, *(str(table.get("port", "")) for table in site.tables.buses.values())}
    taken = {Path(name).resolve() for name in named}
    return [other for other in site.computer.serial_ports if Path(other).resolve() not in taken]


def is_console(port: str, root: Path) -> bool:
    """Whether the kernel talks on *port* (`console=` of its command line)."""
    try:
        words = (root / "proc/cmdline").read_text(encoding="utf-8").split()
    except OSError:
        return False
    consoles = [word.removeprefix("console=") for word in words if word.startswith("console=")]
    spoken = {Path("/dev", console.partition(",")[0]).resolve() for console in consoles}
    return Path(port).resolve() in spoken


def judge(seen: Seen) -> Finding:
    """What ails the reader, if anything."""
    return _kind(seen).at(
        seen.where,
        port=seen.port,
        why=seen.complaint or "",
        firmware=f", PN532 firmware {seen.firmware}" if seen.firmware else "",
        found_on=", ".join(seen.found_on),
    )


def _kind(seen: Seen) -> Kind:
    if seen.complaint is None:
        return ANSWERS
    if not seen.has_line:
        return DEAD
    if seen.is_console:
        return CONSOLE
    if seen.heard is Heard.READER:
        return FALTERS
    if seen.found_on:
        return ELSEWHERE
    return BY_HEARD[seen.heard]


BY_HEARD: Final = {
    None: NO_PORT,
    Heard.NOTHING: SILENT,
    Heard.ECHO: ECHO,
    Heard.RUBBISH: GARBLED,
}

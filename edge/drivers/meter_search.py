"""Finds the meters on a line that nobody knows: serial settings × unit ids, or the units of a host.

    result = await search_serial("/dev/ttyUSB0", rig, progress=tell)
    result.tables()                  # [buses.X] and [connectors.N.meter], ready for edge.toml
    for remark in result.remarks: …  # what is wrong with the line, each with a remedy

The common settings and ids come first. A line has one setting: where a unit answers, the other ids
are asked there and nowhere else. It ends after `within_s` at the latest and says so; it only reads.

What can be told apart by what comes back: nothing at all (no power, A and B swapped, other ids),
our own requests (an adapter that hears itself), bytes that nobody asked for (noise, or another
master), damaged replies of one id alone (two units have it), damaged replies of many.

Quality: real bus driver on simulated lines of every kind; not yet on a real RS-485 adapter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from edge.drivers.meter_likeness import Likeness, liken
from edge.drivers.meter_model import load
from edge.drivers.modbus import (
    BITS,
    THINK_S,
    ModbusBus,
    RtuSettings,
    TcpSettings,
    open_rtu,
    open_tcp,
)
from edge.drivers.registry import Rig
from edge.errors import BusLost, MeterImplausible, MeterRefused, MeterSilent

Parity = Literal["N", "E", "O"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The settings of a serial line."""

    baudrate: int
    parity: Parity

    def __str__(self) -> str:
        return f"{self.baudrate} baud 8{self.parity}1"


def _lines(*settings: tuple[int, Parity]) -> tuple[Line, ...]:
    return tuple(Line(baudrate=baudrate, parity=parity) for baudrate, parity in settings)


LINES: Final = _lines(
    (9600, "N"),  # most, from the factory
    (19200, "E"),  # what Modbus itself asks for; Schneider, ABB
    (9600, "E"),  # Orno 514
    (9600, "O"),  # Orno 516
    (2400, "N"),  # older Eastron
    (19200, "N"),  # Finder
    (38400, "N"),
    (4800, "N"),
    (115200, "N"),
    (57600, "N"),
    (2400, "E"),
    (4800, "E"),
    (38400, "E"),
    (19200, "O"),
    (1200, "N"),
    (1200, "E"),
)
FIRST_UNITS: Final = (1, 2, 3)
UNITS: Final = range(1, 248)
TCP_UNITS: Final = range(1, 33)  # a silent unit costs a time-out and a new connection
Probe = tuple[int, int, int]
PROBES: Final[Sequence[Probe]] = ((4, 0, 2), (3, 0, 2))  # any answer will do, refusals included
NOT_HERE: Final = 4  # what some hosts answer for a unit that they do not have
PROBE_BYTES: Final = 8 + 9  # of a request, and of a reply with two registers
ANSWER_S: Final = 0.15  # a meter answers or refuses two registers sooner than a block
LISTEN_S: Final = 0.1
CAREFUL_S: Final = 0.5
WITHIN_S: Final = 180.0


class Symptom(StrEnum):
    """What is wrong with a line."""

    NO_PORT = "no_port"
    SILENT = "silent"
    ECHO = "echo"
    NOISE = "noise"
    CLASH = "clash"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One symptom, in a sentence with its remedy."""

    symptom: Symptom
    text: str
    unit: int | None = None
    line: Line | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A unit that answers, and what it seems to be."""

    unit: int
    likeness: Likeness
    line: Line | None = None

    @property
    def name(self) -> str:
        """The meter's name as people say it."""
        model = self.likeness.model
        return "an unknown device" if model is None else load(model).name


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a search is: *asked* of at most *of* questions; *where* it looks now."""

    asked: int
    of: int
    where: str


Progress = Callable[[Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a search came to; *bus* is the table of the bus that it was found on."""

    found: tuple[Found, ...]
    remarks: tuple[Remark, ...]
    bus: dict[str, Any] | None
    asked: int

    def tables(self, name: str = "meters") -> dict[str, Any]:
        """`[buses.NAME]` and `[connectors.N.meter]` for the meters whose model is known."""
        known = [each for each in self.found if each.likeness.model is not None]
        if self.bus is None or not known:
            return {}
        meters = {
            str(number): {
                "meter": {
                    "kind": "modbus",
                    "bus": name,
                    "model": each.likeness.model,
                    "unit": each.unit,
                }
            }
            for number, each in enumerate(known, 1)
        }
        return {"buses": {name: self.bus}, "connectors": meters}


Opener = Callable[[Line | None, float], AbstractAsyncContextManager[ModbusBus]]
"""Opens the bus with these settings; the seconds are how long a reply is waited for."""


async def search_serial(
    port: str,
    rig: Rig,
    *,
    lines: Sequence[Line] = LINES,
    units: Iterable[int] = UNITS,
    within_s: float = WITHIN_S,
    progress: Progress | None = None,
    opener: Opener | None = None,
) -> Result:
    """Find the meters on the serial line *port*, which nobody else may have open."""

    @asynccontextmanager
    async def open_line(line: Line | None, timeout_s: float) -> AsyncIterator[ModbusBus]:
        assert line is not None
        settings = RtuSettings(
            port=port,
            baudrate=line.baudrate,
            parity=line.parity,
            timeout_s=timeout_s,
            drain_s=0.0,
            pause_s=4 * BITS / line.baudrate,
            probe_s=0.0,
        )
        async with open_rtu(settings, rig, 0) as bus:
            yield bus

    sweep = _Sweep(opener or open_line, lines, units, progress)
    line = await sweep.run(within_s)
    table: dict[str, Any] | None = None
    if line is not None:
        table = {"kind": "rtu", "port": port, "baudrate": line.baudrate, "parity": line.parity}
    return sweep.result(table, port)


async def search_tcp(
    host: str,
    rig: Rig,
    *,
    port: int = 502,
    units: Iterable[int] = TCP_UNITS,
    within_s: float = WITHIN_S,
    progress: Progress | None = None,
) -> Result:
    """Find the meters behind *host*: one of its own, or those of a gateway."""

    @asynccontextmanager
    async def open_host(_: Line | None, timeout_s: float) -> AsyncIterator[ModbusBus]:
        settings = TcpSettings(host=host, port=port, timeout_s=timeout_s, probe_s=0.0)
        async with open_tcp(settings, rig, 0) as bus:
            yield bus

    sweep = _Sweep(open_host, (None,), units, progress)
    await sweep.run(within_s)
    return sweep.result({"kind": "tcp", "host": host, "port": port}, f"{host}:{port}")


class _Reply(StrEnum):
    """What a probe brought."""

    ANSWER = "answer"
    NOTHING = "nothing"
    DAMAGED = "damaged"


class _Sweep:
    """One search, from the likely to the unlikely."""

    def __init__(
        self,
        opener: Opener,
        lines: Sequence[Line | None],
        units: Iterable[int],
        progress: Progress | None,
    ) -> None:
        self._opener = opener
        self._lines = lines
        self._units = tuple(units)
        self._progress = progress
        self._asked = 0
        self._found: list[Found] = []
        self._remarks: dict[tuple[Symptom, int | None], Remark] = {}

    async def run(self, within_s: float) -> Line | None:
        """Search; returns the settings at which somebody answered."""
        try:
            async with asyncio.timeout(within_s):
                return await self._search()
        except TimeoutError:
            text = f"the search ended after {within_s:.0f} s: give it more time, or fewer units"
            self._remark(Symptom.UNFINISHED, text)
        except BusLost as error:
            self._remark(Symptom.NO_PORT, str(error))
        return None

    def result(self, bus: dict[str, Any] | None, where: str) -> Result:
        """What came of it; a line without a meter is a symptom too."""
        if not self._found and all(symptom is Symptom.ECHO for symptom, _ in self._remarks):
            text = (
                f"nobody answers on {where}: check that the meter has power, swap A and B, "
                "and look up its unit id"
            )
            self._remark(Symptom.SILENT, text)
        return Result(
            found=tuple(sorted(self._found, key=lambda each: each.unit)),
            remarks=tuple(self._remarks.values()),
            bus=bus if self._found else None,
            asked=self._asked,
        )

    async def _search(self) -> Line | None:
        first = tuple(each for each in FIRST_UNITS if each in self._units)
        rest = tuple(each for each in self._units if each not in first)
        stages = [(first, PROBES), *((rest, (probe,)) for probe in PROBES)]
        for units, probes in stages:
            for line in self._lines:
                heard = await self._ask(line, units, probes)
                if heard:
                    others = [each for each in self._units if each not in units]
                    heard |= await self._ask(line, others, PROBES)
                    await self._identify(line, heard)
                    return line
        return None

    async def _ask(
        self, line: Line | None, units: Sequence[int], probes: Sequence[Probe]
    ) -> dict[int, _Reply]:
        """Who of *units* is there; nobody if there is nothing but noise."""
        heard: dict[int, _Reply] = {}
        async with self._opener(line, _timeout_s(line)) as bus:
            if await bus.listen(LISTEN_S):
                self._noise(line)
            for unit in units:
                self._tell(line, unit)
                reply = await self._probe(bus, unit, line, probes)
                if reply is not _Reply.NOTHING:
                    heard[unit] = reply
        if _Reply.ANSWER not in heard.values() and 1 < len(heard) >= len(units) - 1:
            self._noise(line)
            return {}
        return heard

    async def _probe(
        self, bus: ModbusBus, unit: int, line: Line | None, probes: Sequence[Probe] = PROBES
    ) -> _Reply:
        """Ask *unit* for anything at all."""
        reply = _Reply.NOTHING
        for place in probes:
            self._asked += 1
            try:
                await bus.read(unit, *place)
            except MeterRefused as refusal:
                if line is None and refusal.code == NOT_HERE:
                    continue
                return _Reply.ANSWER
            except (MeterSilent, MeterImplausible):
                self._note_echo(bus)
                if bus.ear.heard.removeprefix(bus.ear.sent):
                    reply = _Reply.DAMAGED
            else:
                self._note_echo(bus)
                return _Reply.ANSWER
        return reply

    async def _identify(self, line: Line | None, units: Iterable[int]) -> None:
        """Find out what each unit is that was heard."""
        async with self._opener(line, _timeout_s(line) + THINK_S) as bus:
            for unit in units:
                self._tell(line, unit)
                likeness = await liken(bus, unit)
                if likeness.is_double or await bus.listen(LISTEN_S):
                    self._clash(unit, line)
                elif likeness.damaged:
                    text = (
                        f"only some replies of unit {unit} arrive whole: check the cable's ends "
                        "(120 Ω), its length and its ground"
                    )
                    self._remark(Symptom.DAMAGED, text, unit, line)
                if likeness.is_double:
                    continue
                if likeness.model is None:
                    text = f"unit {unit} answers but is no meter we know: is it the right device?"
                    self._remark(Symptom.UNKNOWN, text, unit, line)
                self._found.append(Found(unit=unit, line=line, likeness=likeness))

    def _clash(self, unit: int, line: Line | None) -> None:
        text = (
            f"more than one device answers as unit {unit}: disconnect one, and give it another id"
        )
        self._remark(Symptom.CLASH, text, unit, line)

    def _noise(self, line: Line | None) -> None:
        text = (
            "bytes come that nobody asked for: is another master on the line? "
            "Check the cable's ends (120 Ω) and its bias"
        )
        self._remark(Symptom.NOISE, text, None, line)

    def _note_echo(self, bus: ModbusBus) -> None:
        if bus.ear.has_echo:
            text = "the adapter hears what it sends: that is no fault, and nothing to mend"
            self._remark(Symptom.ECHO, text)

    def _remark(
        self, symptom: Symptom, text: str, unit: int | None = None, line: Line | None = None
    ) -> None:
        """Keep the first of each kind."""
        remark = Remark(symptom=symptom, text=text, unit=unit, line=line)
        self._remarks.setdefault((symptom, unit), remark)

    def _tell(self, line: Line | None, unit: int) -> None:
        if self._progress is not None:
            most = len(self._lines) * len(self._units) * len(PROBES)
            where = f"unit {unit}" if line is None else f"unit {unit} at {line}"
            self._progress(Step(asked=self._asked, of=most, where=where))


def _timeout_s(line: Line | None) -> float:
    """How long the reply to a probe is waited for."""
    return CAREFUL_S if line is None else ANSWER_S + PROBE_BYTES * BITS / line.baudrate

"""The bay as a process: the world in real time, its pty and TCP wires, the daemon that is attached.

All on one event loop. The world wakes for changes and for what is due by itself; energy is counted
when somebody looks. Every change goes through `touch`: it advances, settles and tells the wires.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Protocol

from edge.errors import SimulationError
from edge.sim.buses import Buses, open_buses
from edge.sim.outlet import Lock
from edge.sim.pins import LOCK_WIRES, MOST_CONNECTORS, TAKEN, Wiring, own_tables
from edge.sim.pn532 import SerialReader
from edge.sim.supply import SupplyFile
from edge.sim.thermometers import Thermometers
from edge.sim.world import ReaderFault, World

ACCEPTED_WITHIN_S: Final = 0.09  # an input is answered within 100 ms, seen by the daemon or not
READER_LATE_S: Final = 0.3  # a driver looks for 0.1 s, and has gone on by then
METER_BUSES: Final = ("rtu", "tcp")
THREE: Final = 3
EVSES: Final = ("gpio", "modbus")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaySetup:
    """How the bay is built; the same for as long as its process lives.

    *tables*, from `stand_in`, say instead of the first three what is wired where.
    """

    connectors: int = 2
    meter_bus: str = "rtu"
    meter_model: str = "sdm120"
    evse: str = "gpio"
    draw_w: float = 0.0
    ev_delay_s: float = 0.3
    phases: int = 1
    phase_relay: bool = False
    baud_timing: bool = False
    meter_refresh: bool = True
    tables: Mapping[str, Any] | None = None


class Line(Protocol):
    """The connection to a daemon, as `edge.control.server.Peer` offers it."""

    async def receive(self) -> dict[str, Any] | None:
        """Its next message, `None` at the end."""
        ...

    def send(self, message: dict[str, Any]) -> None:
        """Say this."""
        ...


@dataclass(slots=True, kw_only=True)
class Daemon:
    """The attached daemon: what it was told, what it was asked, what it said last of itself."""

    line: Line
    levels: dict[int, bool]
    muted: bool = False
    leaves_dark: bool = False
    asked: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    snapshot: dict[str, Any] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, op: str, within_s: float, **arguments: Any) -> dict[str, Any]:
        """Its answer; raises `TimeoutError`, or `SimulationError` if it leaves or refuses."""
        number = next(self.numbers)
        future = self.asked[number] = asyncio.get_running_loop().create_future()
        self.line.send({"ask": number, "op": op} | arguments)
        try:
            answer: dict[str, Any] = await asyncio.wait_for(future, within_s)
        finally:
            self.asked.pop(number, None)
        if "error" in answer:
            raise SimulationError(answer["error"])
        return answer


class Bay:
    """World, wires and attached daemon, kept in step."""

    def __init__(
        self,
        setup: BaySetup,
        world: World,
        readers: Sequence[SerialReader],
        buses: Buses,
        tables: Mapping[str, Any],
    ) -> None:
        self.setup = setup
        self.world = world
        self.readers = readers
        self.buses = buses
        self.supply = SupplyFile()
        self.thermometers = Thermometers()
        self.thermometers.show(world.outlets)
        self.daemon: Daemon | None = None
        self._tables = tables
        self.wiring = Wiring.of(tables)
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._laid: list[str | None] = [None] * len(readers)

    def close(self) -> None:
        """Stop the world's alarm clock, and take its files away."""
        if self._alarm is not None:
            self._alarm.cancel()
        self.supply.close()
        self.thermometers.close()

    @contextlib.contextmanager
    def touch(self) -> Iterator[World]:
        """Change facts of the world in this block, at this moment."""
        self.world.advance(self._loop.time())
        yield self.world
        self.world.settle()
        self._tell()

    def look(self) -> World:
        """The world at this moment, to be read only."""
        self.world.advance(self._loop.time())
        return self.world

    async def news(self, within_s: float) -> None:
        """Wait until anything has changed, or *within_s* has passed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), within_s)

    async def accepted(self) -> bool:
        """Let the daemon's drivers see the new levels; whether they did within 90 ms."""
        if self.daemon is None or self.daemon.muted:
            return False
        with contextlib.suppress(TimeoutError, SimulationError):
            await self.daemon.ask("seen", ACCEPTED_WITHIN_S)
            return True
        return False

    def tables(self) -> dict[str, Any]:
        """The configuration tables of this bay, as `edge.toml` has them."""
        readers, connectors = self._tables["readers"], self._tables["connectors"]
        return {
            **self._tables,
            "supply_file": self.supply.path,
            "readers": {
                number: {**table, "port": reader.path}
                for (number, table), reader in zip(readers.items(), self.readers, strict=True)
            },
            "buses": {name: dict(table) for name, table in self.buses.tables.items()},
            "connectors": {
                number: {
                    **connector,
                    "evse": self._evse(int(number), connector["evse"]),
                    **self._thermometer(int(number)),
                }
                for number, connector in connectors.items()
            },
        }

    def _evse(self, number: int, table: Mapping[str, Any]) -> dict[str, Any]:
        """One without a lock has no pins for it."""
        is_absent = self.world.outlet(number).lock is Lock.ABSENT
        left_out = LOCK_WIRES if is_absent else ()
        return {name: value for name, value in table.items() if name not in left_out}

    def _thermometer(self, number: int) -> dict[str, Any]:
        """A bay of our own has one beside each contactor."""
        if self.setup.tables is not None:
            return {}
        return {"temperature": self.thermometers.table(number)}

    async def attach(
        self,
        peer: Line,
        *,
        connectors: int,
        meter_bus: str,
        meter_model: str,
        evse: str = "gpio",
        tables: Mapping[str, Any] | None = None,
    ) -> None:
        """Stream verb `attach`: wire a daemon's pins to this bay until it hangs up."""
        if tables != self.setup.tables:
            raise SimulationError("this bay is built for other tables than the daemon's")
        setup = self.setup
        asked = (connectors, meter_bus, meter_model, evse)
        built = (setup.connectors, setup.meter_bus, setup.meter_model, setup.evse)
        if tables is None and asked != built:
            raise SimulationError(f"this bay is built as {built}, the daemon wants {asked}")
        if self.daemon is not None:
            raise SimulationError(TAKEN)
        with self.touch() as world:
            world.restore_mains()
        self.daemon = daemon = Daemon(line=peer, levels=self._levels())
        levels = {str(pin): level for pin, level in daemon.levels.items()}
        peer.send({"ok": True, "tables": self.tables(), "levels": levels})
        self._changed()
        try:
            while (message := await peer.receive()) is not None:
                self._heard(daemon, message)
        finally:
            self._detach(daemon)

    def _heard(self, daemon: Daemon, message: dict[str, Any]) -> None:
        if "pin" in message:
            if message["pin"] not in self.wiring.outputs:
                return  # nothing of the bay hangs on it
            connector, output = self.wiring.outputs[message["pin"]]
            with self.touch() as world:
                if not daemon.muted:
                    world.outlet(connector).outputs[output] = float(message["level"])
        elif "answer" in message:
            future = daemon.asked.get(message["answer"])
            if future is not None and not future.done():
                future.set_result(message)
        elif "changed" in message:
            daemon.snapshot = message["changed"]
            self._changed()

    def _detach(self, daemon: Daemon) -> None:
        self.daemon = None
        daemon.left.set()
        if daemon.leaves_dark:
            with self.touch() as world:
                world.cut_mains()
        for future in daemon.asked.values():
            if not future.done():
                future.set_result({"error": "the daemon left"})
        self._changed()

    def _tell(self) -> None:
        """Bring every wire to what the world says now, and set the next alarm."""
        for number, (reader, spot) in enumerate(zip(self.readers, self.world.spots, strict=True)):
            reader.chip.silent = spot.fault is ReaderFault.SILENT
            reader.chip.garbled = spot.fault is ReaderFault.GARBLED
            reader.delay_s = READER_LATE_S if spot.fault is ReaderFault.LATE else 0.0
            reader.copies = 2 if spot.fault is ReaderFault.DUPLICATE else 1
            if spot.laid != self._laid[number]:
                self._laid[number] = spot.laid
                reader.lay(None if spot.laid is None else bytes.fromhex(spot.laid))
        if self.daemon is not None and not self.daemon.muted:
            for pin, level in self._levels().items():
                if self.daemon.levels.get(pin) != level:
                    self.daemon.levels[pin] = level
                    self.daemon.line.send({"pin": pin, "level": float(level)})
        self.supply.show(low=self.world.undervoltage_5v)
        self.thermometers.show(self.world.outlets)
        self._changed()
        if self._alarm is not None:
            self._alarm.cancel()
        due = self.world.next_due()
        self._alarm = None if due is None else self._loop.call_at(due, self._wake)

    def _wake(self) -> None:
        with self.touch():
            pass

    def _levels(self) -> dict[int, bool]:
        seen = {number: outlet.inputs() for number, outlet in self.world.outlets.items()}
        levels = {
            pin: seen[connector][name] is not is_low
            for pin, (connector, name, is_low) in self.wiring.inputs.items()
        }
        if self.wiring.power_good is None:
            return levels
        pin, is_low = self.wiring.power_good
        return levels | {pin: self.world.mains is not is_low}

    def _changed(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


@contextlib.asynccontextmanager
async def open_bay(setup: BaySetup) -> AsyncIterator[Bay]:
    """Build the bay on the running loop. Raises `SimulationError` if it cannot be built so."""
    tables = _tables(setup)
    evses = {int(n): each["evse"] for n, each in tables["connectors"].items()}
    loop = asyncio.get_running_loop()
    world = World(
        connectors=len(evses),
        readers=len(tables["readers"]),
        draw_w=setup.draw_w,
        ev_delay_s=setup.ev_delay_s,
        now_s=loop.time(),
    )
    for number, evse in evses.items():
        world.outlet(number).fit(evse)
    async with contextlib.AsyncExitStack() as stack:
        buses = await stack.enter_async_context(
            open_buses(
                tables,
                world,
                touch=lambda: bay.touch(),  # noqa: PLW0108  the bay is made below
                meter_model=setup.meter_model,
                meter_refresh=setup.meter_refresh,
                baud_timing=setup.baud_timing,
            )
        )
        readers = [SerialReader() for _ in world.spots]
        for reader in readers:
            stack.callback(reader.close)
        bay = Bay(setup, world, readers, buses, tables)
        stack.callback(bay.close)
        with bay.touch():  # a controller is at work before anybody comes
            pass
        yield bay


def _tables(setup: BaySetup) -> Mapping[str, Any]:
    """What is wired where; raises `SimulationError` if a bay of our own cannot be so."""
    if setup.tables is not None:
        return setup.tables
    if not 1 <= setup.connectors <= MOST_CONNECTORS:
        raise SimulationError(f"this bay has room for 1 to {MOST_CONNECTORS} connectors")
    if setup.meter_bus not in METER_BUSES:
        raise SimulationError(f"a meter bus is one of {', '.join(METER_BUSES)}")
    if setup.evse not in EVSES:
        raise SimulationError(f"an EVSE is one of {', '.join(EVSES)}")
    if setup.phase_relay and (setup.evse != "gpio" or setup.phases != THREE):
        raise SimulationError("a phase relay needs pins and three phases")
    return own_tables(
        setup.connectors,
        readers=1,
        meter_bus=setup.meter_bus,
        meter_model=setup.meter_model,
        evse=setup.evse,
        phases=setup.phases,
        phase_relay=setup.phase_relay,
    )

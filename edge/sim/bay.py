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
from edge.sim.controller import Controller, ControllerUnit, Touch
from edge.sim.modbus import RtuBus, serve_tcp
from edge.sim.modbus import Unit as BusUnit
from edge.sim.outlet import Lock, Outlet
from edge.sim.pins import (
    FIRST_CONTROLLER,
    METERS_BUS,
    MOST_CONNECTORS,
    OUTPUT_AT,
    PINS,
    POWER_GOOD_PIN,
    TAKEN,
    controller_table,
    evse_table,
    meter_table,
    power_good_table,
)
from edge.sim.pn532 import SerialReader
from edge.sim.registers import Unit, load_model
from edge.sim.world import MeterFace, World

MAIN_METER_UNIT: Final = 100
ACCEPTED_WITHIN_S: Final = 0.09  # an input is answered within 100 ms, seen by the daemon or not
METER_BUSES: Final = ("rtu", "tcp")
EVSES: Final = ("gpio", "modbus")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaySetup:
    """How the bay is built; the same for as long as its process lives."""

    connectors: int = 2
    meter_bus: str = "rtu"
    meter_model: str = "sdm120"
    evse: str = "gpio"
    draw_w: float = 0.0
    ev_delay_s: float = 0.3
    phases: int = 1
    baud_timing: bool = False
    meter_refresh: bool = True


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
        units: Mapping[int, Unit],
        bus: Mapping[str, Any],
    ) -> None:
        self.setup = setup
        self.world = world
        self.readers = readers
        self.units = units
        self.daemon: Daemon | None = None
        self._bus = bus
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._laid: list[str | None] = [None] * len(readers)

    def close(self) -> None:
        """Stop the world's alarm clock."""
        if self._alarm is not None:
            self._alarm.cancel()

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
        outlets = self.world.outlets
        return {
            "readers": {
                str(number): {"kind": "pn532", "port": reader.path, "connectors": sorted(outlets)}
                for number, reader in enumerate(self.readers)
            },
            "buses": {METERS_BUS: dict(self._bus)},
            "power_good": power_good_table(),
            "connectors": {
                str(n): {
                    "evse": self._evse_table(n, o),
                    "meter": meter_table(n, model=self.setup.meter_model),
                }
                for n, o in outlets.items()
            },
        }

    def _evse_table(self, connector: int, outlet: Outlet) -> dict[str, Any]:
        if outlet.controller is not None:
            return controller_table(connector, phases=outlet.phases)
        return evse_table(connector, phases=outlet.phases, has_lock=outlet.lock is not Lock.ABSENT)

    async def attach(
        self, peer: Line, connectors: int, meter_bus: str, meter_model: str, evse: str = "gpio"
    ) -> None:
        """Stream verb `attach`: wire a daemon's pins to this bay until it hangs up."""
        setup = self.setup
        asked = (connectors, meter_bus, meter_model, evse)
        built = (setup.connectors, setup.meter_bus, setup.meter_model, setup.evse)
        if asked != built:
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
            connector, output = OUTPUT_AT[message["pin"]]
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
            reader.chip.silent = spot.silent
            reader.chip.garbled = spot.garbled
            if spot.laid != self._laid[number]:
                self._laid[number] = spot.laid
                reader.lay(None if spot.laid is None else bytes.fromhex(spot.laid))
        if self.daemon is not None and not self.daemon.muted:
            for pin, level in self._levels().items():
                if self.daemon.levels.get(pin) != level:
                    self.daemon.levels[pin] = level
                    self.daemon.line.send({"pin": pin, "level": float(level)})
        self._changed()
        if self._alarm is not None:
            self._alarm.cancel()
        due = self.world.next_due()
        self._alarm = None if due is None else self._loop.call_at(due, self._wake)

    def _wake(self) -> None:
        with self.touch():
            pass

    def _levels(self) -> dict[int, bool]:
        levels = {
            PINS[connector][name]: level
            for connector, outlet in self.world.outlets.items()
            for name, level in outlet.inputs().items()
        }
        return levels | {POWER_GOOD_PIN: self.world.mains}

    def _changed(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


@contextlib.asynccontextmanager
async def open_bay(setup: BaySetup) -> AsyncIterator[Bay]:
    """Build the bay on the running loop. Raises `SimulationError` if it cannot be built so."""
    if not 1 <= setup.connectors <= MOST_CONNECTORS:
        raise SimulationError(f"this bay has room for 1 to {MOST_CONNECTORS} connectors")
    if setup.meter_bus not in METER_BUSES:
        raise SimulationError(f"a meter bus is one of {', '.join(METER_BUSES)}")
    if setup.evse not in EVSES:
        raise SimulationError(f"an EVSE is one of {', '.join(EVSES)}")
    loop = asyncio.get_running_loop()
    world = World(
        connectors=setup.connectors,
        draw_w=setup.draw_w,
        ev_delay_s=setup.ev_delay_s,
        phases=setup.phases,
        now_s=loop.time(),
    )
    meters = _meters(setup, world, loop)
    units: dict[int, BusUnit] = {**meters}
    if setup.evse == "modbus":
        units |= _controllers(world, lambda: bay.touch())  # noqa: PLW0108  the bay is made below
    async with contextlib.AsyncExitStack() as stack:
        bus = await _open_bus(setup, units, stack)
        readers = [SerialReader() for _ in world.spots]
        for reader in readers:
            stack.callback(reader.close)
        bay = Bay(setup, world, readers, meters, bus)
        stack.callback(bay.close)
        with bay.touch():  # a controller is at work before anybody comes
            pass
        yield bay


def _meters(setup: BaySetup, world: World, loop: asyncio.AbstractEventLoop) -> dict[int, Unit]:
    model = load_model(setup.meter_model)
    refresh_s = model.refresh_s if setup.meter_refresh else 0.0

    def unit(connector: int) -> Unit:
        def face() -> MeterFace:
            world.advance(loop.time())
            return world.meter(connector)

        return Unit(model, face, lambda: world.meter_fault(connector), refresh_s=refresh_s)

    return {connector or MAIN_METER_UNIT: unit(connector) for connector in (0, *world.outlets)}


def _controllers(world: World, touch: Touch) -> dict[int, BusUnit]:
    """A board for each outlet, by its unit on the bus."""
    units: dict[int, BusUnit] = {}
    for number, outlet in world.outlets.items():
        outlet.controller = Controller()
        outlet.lock = Lock.ABSENT
        units[FIRST_CONTROLLER + number] = ControllerUnit(outlet, outlet.controller, touch)
    return units


async def _open_bus(
    setup: BaySetup, units: Mapping[int, BusUnit], stack: contextlib.AsyncExitStack
) -> dict[str, Any]:
    if setup.meter_bus == "tcp":
        port = await stack.enter_async_context(serve_tcp(units))
        return {"kind": "tcp", "host": "127.0.0.1", "port": port}
    bus = RtuBus(units, baud_timing=setup.baud_timing)
    stack.callback(bus.close)
    return {"kind": "rtu", "port": bus.path, "baudrate": 9600, "parity": "N"}

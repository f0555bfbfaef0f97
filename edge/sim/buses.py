"""The meters' lines of a bay as its tables have them: which meter answers where."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge.sim.controller import Controller, ControllerUnit, Touch
from edge.sim.modbus import RtuBus, serve_tcp
from edge.sim.modbus import Unit as BusUnit
from edge.sim.pins import METERS_BUS
from edge.sim.registers import Unit, load_model
from edge.sim.world import MeterFace, World

MAIN_METER_UNIT: Final = 100
MAIN: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Buses:
    """The open lines. *units* are the meters by connector, *lines* the serial ones by name."""

    units: Mapping[int, Unit]
    lines: Mapping[str, RtuBus]
    tables: Mapping[str, Mapping[str, Any]]


@contextlib.asynccontextmanager
async def open_buses(
    tables: Mapping[str, Any],
    world: World,
    *,
    touch: Touch,
    meter_model: str,
    meter_refresh: bool,
    baud_timing: bool,
) -> AsyncIterator[Buses]:
    """Put a meter of *world* at every place that *tables* name, and the main meter beside them.

    Controllers first: they are fitted to their outlets, and change the world by *touch*.
    """
    loop = asyncio.get_running_loop()
    units: dict[int, Unit] = {}
    seats: dict[str, dict[int, BusUnit]] = {name: {} for name in tables["buses"]}
    for number, connector in tables["connectors"].items():
        evse = connector["evse"]
        if evse["kind"] == "modbus" and evse["bus"] in seats:
            outlet = world.outlet(int(number))
            outlet.controller = Controller()
            board = ControllerUnit(outlet, outlet.controller, touch)
            seats[evse["bus"]][evse.get("unit", 1)] = board
    for connector, bus, address, model in _places(tables, meter_model):
        if bus not in seats or address in seats[bus]:
            continue  # a bus that is not there, a place that is taken: for the driver to say
        unit = _unit(world, connector, model, loop, meter_refresh)
        units[connector] = seats[bus][address] = unit
    dialled: dict[str, Mapping[str, Any]] = {}
    lines: dict[str, RtuBus] = {}
    async with contextlib.AsyncExitStack() as stack:
        for name, table in tables["buses"].items():
            if table["kind"] == "tcp":
                port = await stack.enter_async_context(serve_tcp(seats[name]))
                dialled[name] = {**table, "host": "127.0.0.1", "port": port}
                continue
            line = RtuBus(
                seats[name],
                baud_timing=baud_timing,
                baudrate=table.get("baudrate", 9600),
                parity=table.get("parity", "N"),
            )
            stack.callback(line.close)
            lines[name] = line
            dialled[name] = {**table, "port": line.path}
        yield Buses(units=units, lines=lines, tables=dialled)


def _places(tables: Mapping[str, Any], main_model: str) -> Iterator[tuple[int, str, int, str]]:
    """Connector, bus, address and model of each meter; the main one on the bus of our own."""
    for number, connector in tables["connectors"].items():
        meter = connector.get("meter")
        if meter is not None and {"bus", "unit", "model"} <= meter.keys():
            yield int(number), meter["bus"], meter["unit"], meter["model"]
    yield MAIN, METERS_BUS, MAIN_METER_UNIT, main_model


def _unit(
    world: World, connector: int, model: str, loop: asyncio.AbstractEventLoop, refresh: bool
) -> Unit:
    found = load_model(model)

    def face() -> MeterFace:
        world.advance(loop.time())
        return world.meter(connector)

    return Unit(
        found,
        face,
        lambda: world.meter_fault(connector),
        refresh_s=found.refresh_s if refresh else 0.0,
    )

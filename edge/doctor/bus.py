"""The meters: each read once by its own driver, and where one does not answer, its bus searched."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from edge.core.events import Event, MeterFailed, MeterRead
from edge.core.quantities import Reading
from edge.doctor.bus_causes import READS, Configured, Seen, judge, place
from edge.doctor.finding import Finding
from edge.doctor.running import running
from edge.doctor.site import Site
from edge.drivers.meter_model import load, say
from edge.drivers.meter_search import Line, Result, search_serial, search_tcp
from edge.drivers.modbus import ModbusBus
from edge.drivers.registry import Rig, choose, open_rig
from edge.drivers.system_clock import SystemClock, new_nonce
from edge.errors import DriverError

READ_S: Final = 8.0  # three polls that fail, with their time-outs and the pauses after them


async def examine(site: Site, rig: Rig, _found: Sequence[Finding]) -> list[Finding]:
    """Read each meter; search the bus of each that does not answer."""
    found: list[Finding] = []
    for name, bus in site.tables.buses.items():
        meters = _meters_on(site, name)
        if not meters:
            continue
        readings = await _read(rig, meters)
        for connector, reading in readings.items():
            if isinstance(reading, Reading):
                serial = await _serial(rig.bus(name), meters[connector])
                found.append(_reads(connector, reading, serial))
        silent = {n: why for n, why in readings.items() if isinstance(why, str)}
        if silent:
            result = await _search(site, rig, name, bus)
            found += judge(_seen(name, bus, meters, silent, result))
    return found


async def search(port: str) -> Result:
    """Every meter on the serial line *port*, by itself."""
    random = Random(new_nonce())  # noqa: S311  no secret is made of it
    async with open_rig({}, clock=SystemClock(), random=random) as rig:
        return await search_serial(port, rig)


def _meters_on(site: Site, bus: str) -> dict[int, dict[str, Any]]:
    """The tables of the Modbus meters on *bus*, by connector."""
    tables = ((n, each.meter) for n, each in sorted(site.tables.connectors.items()))
    return {n: meter for n, meter in tables if meter is not None and meter.get("bus") == bus}


async def _read(rig: Rig, meters: Mapping[int, Mapping[str, object]]) -> dict[int, Reading | str]:
    """The first reading of each, or why there is none."""
    async with asyncio.TaskGroup() as group:
        tasks = {
            n: group.create_task(_first(rig, table, n), name=f"doctor-meter-{n}")
            for n, table in meters.items()
        }
    return {n: task.result() for n, task in tasks.items()}


async def _first(rig: Rig, table: Mapping[str, object], connector: int) -> Reading | str:
    first: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
    why = f"no reading within {READ_S:g} s"

    def post(event: Event) -> None:
        nonlocal why
        if isinstance(event, MeterRead) and not first.done():
            first.set_result(event.reading)
        elif isinstance(event, MeterFailed):
            why = event.why

    async with choose("meter", table, place(connector)).open(rig, connector) as meter:
        try:
            async with running(meter, post), asyncio.timeout(READ_S):
                return await first
        except (DriverError, TimeoutError):
            return why


async def _serial(bus: ModbusBus, table: Mapping[str, Any]) -> str | None:
    """The number on the meter's plate, where its model keeps one."""
    mark = load(table["model"]).serial
    if mark is None:
        return None
    try:
        words = await bus.read(table["unit"], mark.function, mark.address, mark.count)
        return str(say(mark, words))
    except DriverError:
        return None


def _reads(connector: int, reading: Reading, serial: str | None) -> Finding:
    power = "" if reading.power_w is None else f" and {reading.power_w:g} W"
    number = "" if serial is None else f", serial number {serial}"
    return READS.at(
        place(connector), energy_wh=reading.energy_wh, power=power, number=number, serial=serial
    )


async def _search(site: Site, rig: Rig, name: str, table: Mapping[str, Any]) -> Result:
    """Look for meters on the bus, by its own settings first; nobody else has it open meanwhile."""
    bus: ModbusBus = rig.bus(name)
    bus.close()
    limits = site.search
    if table["kind"] == "tcp":
        host, port = table["host"], table.get("port", 502)
        return await search_tcp(host, rig, port=port, within_s=limits.within_s)
    own = _line_of(table)
    lines = (own, *(line for line in limits.lines if line != own))
    return await search_serial(
        table["port"],
        rig,
        lines=lines,
        units=limits.units,
        within_s=limits.within_s,
        progress=limits.progress,
    )


def _line_of(table: Mapping[str, Any]) -> Line:
    return Line(baudrate=table.get("baudrate", 9600), parity=table.get("parity", "N"))


def _seen(
    name: str,
    table: Mapping[str, Any],
    meters: Mapping[int, Mapping[str, Any]],
    silent: Mapping[int, str],
    result: Result,
) -> Seen:
    configured = {
        n: Configured(unit=meter["unit"], model=meter["model"]) for n, meter in meters.items()
    }
    return Seen(
        bus=name,
        port=str(table.get("port", table.get("host"))),
        line=_line_of(table) if table["kind"] == "rtu" else None,
        configured=configured,
        silent=silent,
        result=result,
    )

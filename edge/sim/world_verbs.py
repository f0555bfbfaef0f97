"""Verbs that change the world: the daemon finds out by its wires."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from edge.errors import SimulationError
from edge.sim.bay import ACCEPTED_WITHIN_S, Bay
from edge.sim.checks import choice, number, switch, three, uid_of, whole
from edge.sim.faults import clear_fault, fault_of, raise_fault
from edge.sim.modbus import MOST_UNITS, PARITIES, SPEEDS, LineFault
from edge.sim.outlet import MOST_BOUNCES, Lock, MeterFault, Outlet, Wire
from edge.sim.world import CARD_S, ReaderFault

Answer = dict[str, Any]

PRESS_S: Final = 0.3
BUTTONS: Final = {"estop": Wire.EMERGENCY_STOP, "stop": Wire.STOP_BUTTON}


class WorldVerbs:
    """Hands, cars, cards and faults: they change the world, the daemon finds out by its wires."""

    def __init__(self, bay: Bay) -> None:
        self._bay = bay

    async def plug(self, connector: int, side: str = "both", bounces: int = 0) -> Answer:
        choice("side", side, ("ev", "evse", "both"))
        count = whole("bounces", bounces, 0, MOST_BOUNCES)
        with self._bay.touch() as world:
            outlet = world.outlet(connector)
            outlet.bounces = 2 * count
            outlet.plug_in_socket = outlet.plug_in_socket or side != "ev"
            outlet.plug_in_car = outlet.plug_in_car or side != "evse"
            outlet.pulling = False
        return await self._accepted()

    async def unplug(self, connector: int, side: str = "both") -> Answer:
        choice("side", side, ("ev", "evse", "both"))
        with self._bay.touch() as world:
            outlet = world.outlet(connector)
            outlet.plug_in_car = outlet.plug_in_car and side == "evse"
            outlet.pulling = outlet.pulling or (side != "ev" and outlet.plug_in_socket)
        held = {"held_by_lock": True} if outlet.pulling else {}
        return await self._accepted() | held

    async def ev(
        self, connector: int, state: str | None = None, draw_w: float | None = None
    ) -> Answer:
        with self._bay.touch() as world:
            outlet = world.outlet(connector)
            if state is not None:
                outlet.wants = choice("state", state, ("B", "C", "D"))
            if draw_w is not None:
                outlet.draw_w = number("draw_w", draw_w, least=0.0)
                outlet.forced_w = outlet.forced_a = None
        return await self._accepted()

    async def card(
        self,
        uid: str,
        reader: int = 0,
        connectors: list[int] | None = None,
        for_s: float = CARD_S,
    ) -> Answer:
        code = uid_of(uid)
        for connector in connectors or ():
            self._bay.world.outlet(connector)
        with self._bay.touch() as world:
            spot = world.spot(reader)
            spot.tap(code, number("for_s", for_s, least=0.01), world.now_s)
        try:
            async with asyncio.timeout(ACCEPTED_WITHIN_S):
                await self._bay.readers[reader].reported.wait()
        except TimeoutError:
            return {"ok": True, "seen": False}
        return {"ok": True, "seen": True}

    async def meter(
        self,
        *,
        connector: int,
        energy_wh: float | None = None,
        power_w: float | None = None,
        voltage: float | list[float] | None = None,
        current: float | list[float] | None = None,
        soc: float | None = None,
        time_scale: float | None = None,
        rollover_wh: float | None = None,
    ) -> Answer:
        others = {
            "voltage": voltage,
            "current": current,
            "soc": soc,
            "time_scale": time_scale,
            "rollover_wh": rollover_wh,
        }
        with self._bay.touch() as world:
            if connector == 0:
                refused = [name for name, value in others.items() if value is not None]
                if refused:
                    raise SimulationError(f"the main meter takes no {', '.join(refused)}")
                if power_w is not None:
                    world.house_w = number("power_w", power_w)
                if energy_wh is not None:
                    world.set_main_energy(number("energy_wh", energy_wh, least=0.0))
            else:
                outlet = world.outlet(connector)
                if energy_wh is not None:
                    outlet.energy_wh = number("energy_wh", energy_wh, least=0.0)
                if power_w is not None:
                    outlet.forced_w = number("power_w", power_w)
                _set_electrical(outlet, others)
        for unit in self._bay.buses.units.values():
            unit.renew()
        return {"ok": True}

    def temperature(self, connector: int, celsius: float | str) -> Answer:
        """How warm it is beside the contactor; `off`: the sensor's wire is broken."""
        warm = None if celsius == "off" else number("celsius", celsius, least=-55.0)
        with self._bay.touch() as world:
            world.outlet(connector).temperature_c = warm
        return {"ok": True}

    async def meter_fail(self, connector: int, mode: str) -> Answer:
        with self._bay.touch() as world:
            if connector not in world.meter_faults:
                world.outlet(connector)
            world.meter_faults[connector] = MeterFault(choice("mode", mode, tuple(MeterFault)))
        return {"ok": True}

    async def fault(self, connector: int, code: str, vendor_code: str | None = None) -> Answer:
        fault_of(code)
        with self._bay.touch() as world:
            raise_fault(world, connector, code)
        note = {} if vendor_code is None else {"note": "no wire carries a vendor_code: not sent"}
        return await self._accepted() | note

    async def clear(self, connector: int, code: str | None = None) -> Answer:
        if code is not None:
            fault_of(code)
        with self._bay.touch() as world:
            clear_fault(world, connector, code)
        return await self._accepted()

    async def lock(self, connector: int, mode: str) -> Answer:
        with self._bay.touch() as world:
            world.outlet(connector).lock = Lock(choice("mode", mode, tuple(Lock)))
        return await self._accepted()

    async def reader_fail(self, reader: int, on: bool | str, mode: str = "silent") -> Answer:
        fault = ReaderFault(choice("mode", mode, tuple(ReaderFault)))
        failing = switch("on", on)
        with self._bay.touch() as world:
            world.spot(reader).fault = fault if failing else ReaderFault.NONE
        return {"ok": True}

    async def button(self, name: str, action: str = "press", connector: int = 0) -> Answer:
        wire = BUTTONS[choice("name", name, tuple(BUTTONS))]
        choice("action", action, ("press", "hold", "release"))
        with self._bay.touch() as world:
            outlets = _outlets(world.outlets, connector)
            for outlet in outlets:
                _set_wire(outlet, wire, on=action != "release")
        if action == "press":
            asyncio.get_running_loop().call_later(PRESS_S, self._release, outlets, wire)
        return await self._accepted()

    def meter_unit(self, connector: int, unit: int) -> Answer:
        """Somebody sets a meter's address; two may have the same."""
        whole("unit", unit, 1, MOST_UNITS)
        found = self._bay.buses.units.get(connector)
        if found is None:
            raise SimulationError(f"connector {connector} has no meter on a line")
        if not any(line.move(found, unit) for line in self._bay.buses.lines.values()):
            raise SimulationError("behind a TCP gateway the meters keep their units")
        return {"ok": True}

    def bus(
        self,
        name: str | None = None,
        fault: str | None = None,
        baudrate: int | None = None,
        parity: str | None = None,
    ) -> Answer:
        """What is wrong with a meters' line, and how its meters are set to speak."""
        lines = self._bay.buses.lines
        line = lines[choice("name", name or next(iter(lines), None), tuple(lines))]
        if fault is not None:
            choice("fault", fault, tuple(LineFault))
        if parity is not None:
            choice("parity", parity, PARITIES)
        if baudrate is not None and baudrate not in SPEEDS.values():
            known = ", ".join(map(str, SPEEDS.values()))
            raise SimulationError(f"baudrate is {baudrate!r}: choose one of {known}")
        line.fault = line.fault if fault is None else LineFault(fault)
        line.parity = parity or line.parity
        line.baudrate = baudrate or line.baudrate
        return {"ok": True}

    def world(self) -> Answer:
        buses = {
            name: {"fault": line.fault.value, "baudrate": line.baudrate, "parity": line.parity}
            for name, line in self._bay.buses.lines.items()
        }
        return self._bay.look().snapshot() | {
            "buses": buses,
            "supply_file": self._bay.supply.path,
            "attached": self._bay.daemon is not None,
        }

    def _release(self, outlets: list[Outlet], wire: Wire) -> None:
        with self._bay.touch():
            for outlet in outlets:
                _set_wire(outlet, wire, on=False)

    async def _accepted(self) -> Answer:
        return {"ok": True, "seen": await self._bay.accepted()}


def _set_electrical(outlet: Outlet, values: Mapping[str, Any]) -> None:
    if values["voltage"] is not None:
        outlet.voltage_v = three("voltage", values["voltage"])
    if values["current"] is not None:
        outlet.forced_a = three("current", values["current"])
    if values["soc"] is not None:
        outlet.soc_percent = number("soc", values["soc"], least=0.0)
    if values["time_scale"] is not None:
        outlet.time_scale = number("time_scale", values["time_scale"], least=0.0)
    if values["rollover_wh"] is not None:
        outlet.rollover_wh = number("rollover_wh", values["rollover_wh"], least=1.0)


def _set_wire(outlet: Outlet, wire: Wire, *, on: bool) -> None:
    if on:
        outlet.wires.add(wire)
    else:
        outlet.wires.discard(wire)


Item = TypeVar("Item")


def _outlets(outlets: Mapping[int, Item], connector: int) -> list[Item]:
    if connector and connector not in outlets:
        raise SimulationError(f"there is no connector {connector}, only 0 to {len(outlets)}")
    return list(outlets.values()) if connector == 0 else [outlets[connector]]

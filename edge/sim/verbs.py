"""What people and programs may do to the simulated bay: the contract of the control socket.

`verbs(bay)` gives one callable per operation; arguments come by name from a JSON line. A verb
answers when the daemon's driver has seen the input, or after 90 ms; `wait` is for what follows.
Raises `SimulationError`, one sentence: what is wrong and what is allowed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

from edge.errors import SimulationError
from edge.sim.bay import ACCEPTED_WITHIN_S, Bay
from edge.sim.checks import choice, number, switch, three, uid_of
from edge.sim.faults import FAULTS, clear_fault, raise_fault
from edge.sim.outlet import Lock, MeterFault, Outlet, Wire
from edge.sim.snapshot import condition_of, matches, merged
from edge.sim.world import CARD_S

Answer = dict[str, Any]
Verb = Callable[..., Answer | Awaitable[Answer]]

PRESS_S: Final = 0.3
BUTTONS: Final = {"estop": Wire.EMERGENCY_STOP, "stop": Wire.STOP_BUTTON}
HOOK_S: Final = 5.0
TRANSFER_S: Final = 660.0  # MessageTimeout may be 600
KILL_S: Final = 1.0
LOOK_AGAIN_S: Final = 0.25  # energy grows without news: conditions on it are looked at this often
EVENTS_LOOK_S: Final = 1.0


class Audience(Protocol):
    """A connection that listens, as `edge.control.server.Peer` offers it."""

    @property
    def gone(self) -> bool:
        """Whether it has hung up."""
        ...

    def send(self, message: dict[str, Any]) -> None:
        """Say this."""
        ...


def verbs(bay: Bay) -> Mapping[str, Verb]:
    """The verbs that answer once."""
    world, daemon = _WorldVerbs(bay), _DaemonVerbs(bay)
    return {
        "plug": world.plug,
        "unplug": world.unplug,
        "ev": world.ev,
        "card": world.card,
        "meter": world.meter,
        "meter.fail": world.meter_fail,
        "fault": world.fault,
        "clear": world.clear,
        "lock": world.lock,
        "reader.fail": world.reader_fail,
        "button": world.button,
        "world": world.world,
        "net": daemon.net,
        "power": daemon.power,
        "clock": daemon.clock,
        "reset_state": daemon.reset_state,
        "fail.firmware": daemon.fail_firmware,
        "fail.locallist": daemon.fail_locallist,
        "ocpp.datatransfer": daemon.datatransfer,
        "ocpp.security_event": daemon.security_event,
        "state": daemon.state,
        "wait": daemon.wait,
    }


def streams(bay: Bay) -> Mapping[str, Callable[..., Awaitable[None]]]:
    """The verbs that keep the connection: `attach` for the daemon, `events` for everybody."""

    async def events(peer: Audience) -> None:
        """Every change of the snapshot, the present one first."""
        shown: Answer | None = None
        while not peer.gone:
            if (state := await merged(bay)) != shown:
                peer.send(state)
                shown = state
            else:
                await bay.news(EVENTS_LOOK_S)

    return {"attach": bay.attach, "events": events}


class _WorldVerbs:
    """Hands, cars, cards and faults: they change the world, the daemon finds out by its wires."""

    def __init__(self, bay: Bay) -> None:
        self._bay = bay

    async def plug(self, connector: int, side: str = "both") -> Answer:
        choice("side", side, ("ev", "evse", "both"))
        with self._bay.touch() as world:
            outlet = world.outlet(connector)
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
    ) -> Answer:
        others = {"voltage": voltage, "current": current, "soc": soc, "time_scale": time_scale}
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

    async def meter_fail(self, connector: int, mode: str) -> Answer:
        with self._bay.touch() as world:
            if connector not in world.meter_faults:
                world.outlet(connector)
            world.meter_faults[connector] = MeterFault(choice("mode", mode, tuple(MeterFault)))
        return {"ok": True}

    async def fault(self, connector: int, code: str, vendor_code: str | None = None) -> Answer:
        choice("code", code, tuple(FAULTS))
        with self._bay.touch() as world:
            raise_fault(world, connector, code)
        note = {} if vendor_code is None else {"note": "no wire carries a vendor_code: not sent"}
        return await self._accepted() | note

    async def clear(self, connector: int, code: str | None = None) -> Answer:
        if code is not None:
            choice("code", code, tuple(FAULTS))
        with self._bay.touch() as world:
            clear_fault(world, connector, code)
        return await self._accepted()

    async def lock(self, connector: int, mode: str) -> Answer:
        with self._bay.touch() as world:
            world.outlet(connector).lock = Lock(choice("mode", mode, tuple(Lock)))
        return await self._accepted()

    async def reader_fail(self, reader: int, on: bool | str, mode: str = "silent") -> Answer:
        choice("mode", mode, ("silent", "garbled"))
        failing = switch("on", on)
        with self._bay.touch() as world:
            spot = world.spot(reader)
            spot.silent = failing and mode == "silent"
            spot.garbled = failing and mode == "garbled"
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

    def world(self) -> Answer:
        return self._bay.look().snapshot() | {"attached": self._bay.daemon is not None}

    def _release(self, outlets: list[Outlet], wire: Wire) -> None:
        with self._bay.touch():
            for outlet in outlets:
                _set_wire(outlet, wire, on=False)

    async def _accepted(self) -> Answer:
        return {"ok": True, "seen": await self._bay.accepted()}


class _DaemonVerbs:
    """What only the daemon can do or say: its line, clock, supply, memory, and its own state."""

    def __init__(self, bay: Bay) -> None:
        self._bay = bay

    async def net(self, mode: str, for_s: float | None = None) -> Answer:
        choice("mode", mode, ("up", "down", "refuse", "blackhole"))
        if for_s is not None:
            number("for_s", for_s, least=0.0)
        return await self._ask("net", mode=mode, for_s=for_s)

    async def clock(self, offset_s: float | None = None, freeze: bool | None = None) -> Answer:
        if offset_s is not None:
            number("offset_s", offset_s)
        if freeze is not None:
            freeze = switch("freeze", freeze)
        return await self._ask("clock", offset_s=offset_s, freeze=freeze)

    async def reset_state(self, keep: list[str] | None = None) -> Answer:
        return await self._ask("reset_state", keep=keep or [])

    async def fail_firmware(self, next: str) -> Answer:  # noqa: A002  the contract's own word
        """Let the next update go well, or fail to be downloaded or installed."""
        choice("next", next, ("ok", "download", "install"))
        return await self._ask("fail.firmware", next=next)

    async def fail_locallist(self, on: bool | str) -> Answer:
        """Let the disk refuse every local list, or take them again."""
        return await self._ask("fail.locallist", on=switch("on", on))

    async def datatransfer(
        self,
        vendorId: str,  # noqa: N803  the contract's own words
        messageId: str | None = None,  # noqa: N803  the contract's own words
        data: str | None = None,
    ) -> Answer:
        """A DataTransfer that the charge point starts; its status and data."""
        said = {"vendorId": vendorId, "messageId": messageId, "data": data}
        return await self._ask("ocpp.datatransfer", within_s=TRANSFER_S, **said)

    async def security_event(self, type: str, info: str | None = None) -> Answer:  # noqa: A002  the contract's own word
        """A security event of the whitepaper's chapter 8, as a sensor would report it."""
        return await self._ask("ocpp.security_event", type=type, info=info)

    async def power(self, mode: str) -> Answer:
        """`off`: back-up supply, the daemon ends its work; `kill`: everything is dark at once.

        `fail`: the grid goes and the back-up lasts, seen by the power-good input, until `back`.
        """
        choice("mode", mode, ("off", "kill", "fail", "back"))
        if mode in ("fail", "back"):
            with self._bay.touch() as world:
                (world.fail_grid if mode == "fail" else world.restore_mains)()
            return {"ok": True, "seen": await self._bay.accepted()}
        daemon = self._bay.daemon
        if mode == "off":
            answer = await self._ask("power", mode="off")
            if daemon is not None:
                daemon.leaves_dark = True
            return answer | {"daemon": "leaving"}
        if daemon is not None:
            daemon.muted = True
            daemon.line.send({"ask": next(daemon.numbers), "op": "power", "mode": "kill"})
        with self._bay.touch() as world:
            world.cut_mains()
        if daemon is None:
            return {"ok": True, "daemon": "none was attached"}
        try:
            async with asyncio.timeout(KILL_S):
                await daemon.left.wait()
        except TimeoutError:
            return {"ok": True, "daemon": "did not die"}
        return {"ok": True, "daemon": "died"}

    async def state(self) -> Answer:
        return await merged(self._bay)

    async def wait(self, condition: dict[str, Any], timeout_s: float = 10.0) -> Answer:
        """Block until the snapshot matches *condition*; refused with what differs after a while."""
        wanted = condition_of(condition)
        loop = asyncio.get_running_loop()
        until = loop.time() + number("timeout_s", timeout_s, least=0.0)
        while True:
            state = await merged(self._bay)
            if not (differing := matches(state, wanted)):
                return {"ok": True, "state": state}
            left_s = until - loop.time()
            if left_s <= 0:
                raise SimulationError(f"waited {timeout_s} s in vain: {'; '.join(differing)}")
            await self._bay.news(min(left_s, LOOK_AGAIN_S))

    async def _ask(self, op: str, *, within_s: float = HOOK_S, **arguments: Any) -> Answer:
        if self._bay.daemon is None:
            raise SimulationError(f"{op} needs a daemon, and none is attached to this bay")
        try:
            answer = await self._bay.daemon.ask(op, within_s, **arguments)
        except TimeoutError as problem:
            raise SimulationError(f"the daemon did not answer {op} in {within_s} s") from problem
        return {name: value for name, value in answer.items() if name != "answer"} | {"ok": True}


def _set_electrical(outlet: Outlet, values: Mapping[str, Any]) -> None:
    if values["voltage"] is not None:
        outlet.voltage_v = three("voltage", values["voltage"])
    if values["current"] is not None:
        outlet.forced_a = three("current", values["current"])
    if values["soc"] is not None:
        outlet.soc_percent = number("soc", values["soc"], least=0.0)
    if values["time_scale"] is not None:
        outlet.time_scale = number("time_scale", values["time_scale"], least=0.0)


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

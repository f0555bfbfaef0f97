"""The controller driver against a simulated EVSE-DIN on a real serial line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from edge.core.events import EvseSeen, Pilot, Trip
from edge.drivers import modbus_evse
from edge.drivers.modbus import ModbusBus, RtuSettings, open_rtu
from edge.drivers.modbus_evse import ControllerSettings, ModbusEvse, open_evse
from edge.errors import ConfigError, EvseFailed
from edge.sim.bay import Bay, BaySetup, open_bay
from edge.sim.controller import AMPS, BOOT_AMPS, CONTROL, Controller, Disorder
from edge.sim.outlet import Outlet, Wire
from tests.drivers.rigs import Inbox, rig, running
from tests.waiting import until

TIMEOUT_S = 0.3
UNIT = 11


@dataclass
class Bench:
    """A car in its bay, and the driver that is at work there."""

    bay: Bay
    evse: ModbusEvse
    inbox: Inbox

    @property
    def outlet(self) -> Outlet:
        return self.bay.look().outlets[1]

    @property
    def controller(self) -> Controller:
        assert self.outlet.controller is not None
        return self.outlet.controller

    def registers(self, *addresses: int) -> tuple[int, ...]:
        return tuple(self.controller.registers[address] for address in addresses)

    def plug(self) -> None:
        with self.bay.touch():
            self.outlet.plug_in_socket = self.outlet.plug_in_car = True

    def wire(self, wire: Wire, *, on: bool) -> None:
        with self.bay.touch():
            (self.outlet.wires.add if on else self.outlet.wires.discard)(wire)

    def disorder(self, disorder: Disorder) -> None:
        with self.bay.touch():
            self.controller.disorders.add(disorder)

    async def seen(self, **wanted: Any) -> EvseSeen:
        """The first news that are as *wanted*."""
        return await self.inbox.first(
            EvseSeen, lambda seen: all(getattr(seen, name) == wanted[name] for name in wanted)
        )

    async def charging(self) -> None:
        """A car draws what it was offered."""
        self.plug()
        await self.seen(pilot=Pilot.B, plugged=True)
        self.evse.offer(16.0)
        await self.seen(pilot=Pilot.C, contactor_closed=True)
        self.inbox.forget()


@asynccontextmanager
async def bay_of(**setup: Any) -> AsyncIterator[Bay]:
    wanted = {"connectors": 1, "evse": "modbus", "draw_w": 3680.0, "ev_delay_s": 0.02}
    async with open_bay(BaySetup(**{**wanted, **setup})) as bay:
        yield bay


@asynccontextmanager
async def driver_at(bay: Bay, model: str = "evse_din") -> AsyncIterator[ModbusEvse]:
    port = bay.tables()["buses"]["meters"]["port"]
    line = RtuSettings(port=port, timeout_s=TIMEOUT_S, drain_s=TIMEOUT_S, pause_s=0.0, probe_s=0.2)
    settings = ControllerSettings(bus="meters", model=model, unit=UNIT, poll_s=0.05)
    async with open_rtu(line, rig(), 0) as bus, open_evse(settings, rig(meters=bus), 1) as evse:
        yield evse


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    async with bay_of() as bay, driver_at(bay) as evse, running(evse.run) as inbox:
        made = Bench(bay, evse, inbox)
        await inbox.first(EvseSeen)
        yield made


def count(monkeypatch: pytest.MonkeyPatch, asked: list[str], verb: str) -> None:
    """Write down each *verb* that the bus is asked for."""
    real = getattr(ModbusBus, verb)

    async def counted(bus: ModbusBus, *words: Any, **named: Any) -> Any:
        asked.append(verb)
        return await real(bus, *words, **named)

    monkeypatch.setattr(ModbusBus, verb, counted)


async def test_safety_01_a_controller_that_charges_on_its_own_is_switched_off_first() -> None:
    """Delivered it offers 32 A after its start to whoever is there: nobody has authorised that."""
    async with bay_of() as bay:
        with bay.touch() as world:
            world.outlets[1].plug_in_socket = world.outlets[1].plug_in_car = True
        await until(lambda: bay.look().outlets[1].closed)
        async with driver_at(bay) as evse, running(evse.run) as inbox:
            first = await inbox.first(EvseSeen)
            made = Bench(bay, evse, inbox)
            assert not first.contactor_closed
            assert made.registers(AMPS, CONTROL, BOOT_AMPS) == (0, 1, 6)
            await until(lambda: not made.outlet.closed)


async def test_an_offer_lets_the_car_ask_and_the_controller_close() -> None:
    """Its states come as those of IEC 61851, news only when there are any."""
    async with bench() as made:
        await made.charging()
        assert made.outlet.offered_a() == 16.0
        assert made.outlet.power_w() == 3680.0
        made.evse.energise()
        made.evse.offer(10.0)
        await until(lambda: made.outlet.offered_a() == 10.0)
        assert made.inbox.of(EvseSeen) == []


@pytest.mark.parametrize(("limit_a", "register"), [(5.9, 0), (6.0, 6), (15.9, 15), (80.0, 32)])
async def test_safety_07_no_more_than_allowed_and_never_below_6_a(
    limit_a: float, register: int
) -> None:
    """Whole amperes, rounded down; less than 6 is a pause; the rating is the most."""
    async with bench() as made:
        made.evse.offer(16.0)
        await until(lambda: made.registers(AMPS) == (16,))
        made.evse.offer(limit_a)
        await until(lambda: made.registers(AMPS) == (register,))


async def test_safety_06_a_withdrawn_offer_lets_the_car_end_the_load() -> None:
    """Register 0 first; the car lets go, the controller opens, off is not needed."""
    async with bench() as made:
        await made.charging()
        made.evse.offer(0.0)
        await made.seen(pilot=Pilot.B, contactor_closed=False)
        assert made.registers(AMPS, CONTROL) == (0, 0)
        made.evse.cut()
        await until(lambda: not made.outlet.closed)
        assert made.registers(CONTROL) == (0,)


async def test_a_cut_switches_off_at_once() -> None:
    """Not by the pilot alone, which would leave the car 6 s."""
    async with bench() as made:
        await made.charging()
        made.evse.cut()
        made.evse.offer(0.0)
        await until(lambda: not made.outlet.closed)
        assert made.registers(AMPS, CONTROL) == (0, 1)
        await made.seen(contactor_closed=False)


async def test_a_cut_is_taken_from_another_thread() -> None:
    """As the supervisor may give it."""
    async with bench() as made:
        await made.charging()
        await asyncio.to_thread(made.evse.cut)
        await until(lambda: not made.outlet.closed)


async def test_safety_06_an_offer_that_stands_counts_again_after_a_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A cut without a withdrawal is about the contactor alone, as with a pilot of our own."""
    async with bench() as made:
        await made.charging()
        made.evse.cut()
        await made.seen(contactor_closed=False)
        assert made.registers(CONTROL) == (1,)
        monkeypatch.setattr(modbus_evse, "REST_S", 0.1)
        await made.seen(contactor_closed=True)


async def test_safety_04_the_controller_opens_when_the_car_lets_go() -> None:
    """The controller is the reflex (ruling 1); the offer stays, and the car may ask again."""
    async with bench() as made:
        await made.charging()
        with made.bay.touch():
            made.outlet.wants = "B"
        assert not made.outlet.outputs["coil"]
        await made.seen(pilot=Pilot.B, contactor_closed=False)
        made.evse.cut()
        with made.bay.touch():
            made.outlet.wants = "C"
        await made.seen(pilot=Pilot.C, contactor_closed=True)


async def test_safety_12_residual_current_is_latched_until_it_is_gone_and_rearmed() -> None:
    """Bit 4 of register 1007; while it is there, nothing can close."""
    async with bench() as made:
        await made.charging()
        made.wire(Wire.RCD, on=True)
        seen = await made.seen(tripped=frozenset({Trip.RCD}))
        assert (seen.pilot, seen.contactor_closed, seen.plugged) == (Pilot.E, False, True)
        with pytest.raises(EvseFailed, match="rcd is latched"):
            made.evse.energise()
        made.evse.rearm()
        made.wire(Wire.RCD, on=False)
        await made.seen(pilot=Pilot.B)
        made.evse.offer(16.0)
        with pytest.raises(EvseFailed):
            made.evse.energise()
        assert made.registers(AMPS) == (0,)
        made.inbox.forget()
        made.evse.rearm()
        await made.seen(tripped=frozenset())
        made.evse.offer(16.0)
        await made.seen(contactor_closed=True)


async def test_safety_12_a_controller_has_no_test_coil() -> None:
    """Ruling 3: its traits say so, and it says so itself."""
    async with bench() as made:
        assert not made.evse.traits.has_rcd_test
        with pytest.raises(EvseFailed, match="no test coil"):
            made.evse.fire_test_coil()


async def test_safety_03_a_car_without_diode_trips() -> None:
    """Bit 1 of register 1007, and state E."""
    async with bench() as made:
        await made.charging()
        made.disorder(Disorder.DIODE)
        seen = await made.seen(tripped=frozenset({Trip.PILOT_LOST}))
        assert (seen.pilot, seen.contactor_closed) == (Pilot.E, False)


async def test_safety_08_a_pilot_fault_is_told_as_state_e() -> None:
    """The controller has opened already."""
    async with bench() as made:
        await made.charging()
        made.wire(Wire.PILOT_FAULT, on=True)
        await made.seen(pilot=Pilot.E, contactor_closed=False)
        assert not made.outlet.outputs["coil"]


@pytest.mark.parametrize("disorder", [Disorder.LIES, Disorder.DEAF])
async def test_safety_09_a_controller_that_does_not_obey_is_welded_and_not_hammered(
    disorder: Disorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows that it charges although it is off; an order that it holds is not repeated."""
    monkeypatch.setattr(modbus_evse, "OFF_WITHIN_S", 0.3)
    asked: list[str] = []
    count(monkeypatch, asked, "read")
    count(monkeypatch, asked, "write")
    async with bench() as made:
        await made.charging()
        made.disorder(disorder)
        made.evse.cut()
        made.evse.offer(0.0)
        await made.seen(tripped=frozenset({Trip.WELDED}))
        await until(lambda: made.registers(AMPS, CONTROL) == (0, 1))
        asked.clear()
        await until(lambda: asked.count("read") >= 2)  # the latch's own order is out by then
        asked.clear()
        await until(lambda: len(asked) >= 4)
        assert set(asked) == {"read"}
        made.evse.rearm()
        with pytest.raises(EvseFailed):
            made.evse.energise()
        made.controller.registers[AMPS] = 9
        await until(lambda: made.registers(AMPS) == (0,))


async def test_a_controller_that_restarted_is_set_right_at_the_next_look() -> None:
    """Its own start offers what register 2000 holds, without being asked."""
    async with bench() as made:
        made.plug()
        await made.seen(pilot=Pilot.B)
        with made.bay.touch() as world:
            world.cut_mains()
        with made.bay.touch() as world:
            world.restore_mains()
        assert made.registers(AMPS) == (6,)
        await until(lambda: made.registers(AMPS, CONTROL) == (0, 1))
        await until(lambda: not made.outlet.closed)


async def test_a_silent_controller_is_lost_and_found_switched_off() -> None:
    """Faulted in the meantime; what it did alone ends with its first answer."""
    async with bay_of() as bay, driver_at(bay) as evse:
        async with running(evse.run) as inbox:
            made = Bench(bay, evse, inbox)
            await inbox.first(EvseSeen)
            await made.charging()
        made.disorder(Disorder.SILENT)
        with pytest.raises(EvseFailed, match=r"controller EVSE-DIN of connector 1: unit 11 .*sil"):
            await evse.run(inbox.post)
        assert made.outlet.closed
        made.controller.disorders.clear()
        async with running(evse.run) as inbox:
            assert not (await inbox.first(EvseSeen)).contactor_closed


async def test_silence_while_it_runs_is_told_within_three_looks() -> None:
    """Three time-outs and their drains."""
    async with bay_of() as bay, driver_at(bay) as evse:
        inbox = Inbox()
        task = asyncio.ensure_future(evse.run(inbox.post))
        made = Bench(bay, evse, inbox)
        await inbox.first(EvseSeen)
        made.disorder(Disorder.SILENT)
        evse.offer(10.0)  # an order that fails gives the bus back, too
        async with asyncio.timeout(3):
            with pytest.raises(EvseFailed, match="silent"):
                await task


async def test_an_unknown_state_is_a_failure_and_not_a_car() -> None:
    """A wrong model must not charge."""
    async with bench() as made:
        made.controller.drive = lambda *_: None  # type: ignore[method-assign]  # it shows this
        made.controller.registers[1002] = 9
        with pytest.raises(EvseFailed, match="shows state 9"):
            await made.evse.run(made.inbox.post)


async def test_safety_02_a_control_loop_that_hangs_is_withdrawn_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Looking keeps the controller happy: that must not hide a loop that decides nothing."""
    monkeypatch.setattr(modbus_evse, "ALIVE_WITHIN_S", 0.2)
    async with bench() as made:
        await made.charging()
        made.evse.prove_alive()
        await made.seen(tripped=frozenset({Trip.DEAD_MAN}))
        await until(lambda: not made.outlet.closed)
        made.evse.prove_alive()
        made.evse.rearm()
        made.evse.energise()


async def test_safety_02_it_is_switched_off_when_the_daemon_ends() -> None:
    """The last word of an orderly end."""
    async with bay_of() as bay:
        async with driver_at(bay) as evse, running(evse.run) as inbox:
            made = Bench(bay, evse, inbox)
            await inbox.first(EvseSeen)
            await made.charging()
        await until(lambda: not bay.look().outlets[1].closed)
        assert made.registers(AMPS, CONTROL) == (0, 1)


async def test_a_controller_that_does_not_answer_the_last_word_holds_nobody_up() -> None:
    """One second at most; the log says so."""
    async with bay_of() as bay, driver_at(bay) as evse, running(evse.run) as inbox:
        made = Bench(bay, evse, inbox)
        await inbox.first(EvseSeen)
        made.disorder(Disorder.SILENT)
        async with asyncio.timeout(1.5):
            await evse.leave()


async def test_an_unknown_bus_or_model_is_told() -> None:
    """By name, with what there is."""
    async with bay_of() as bay:
        with pytest.raises(ConfigError, match="bundled are evse_din, heidelberg"):
            async with driver_at(bay, "evse"):
                pass

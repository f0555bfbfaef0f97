"""A controller gives the energy back in its own time, and is not called broken for it."""

from __future__ import annotations

import asyncio

import pytest

from edge.core.events import EvseSeen, Pilot, Trip
from edge.drivers import modbus_evse
from edge.errors import EvseFailed
from edge.sim import controller, outlet
from edge.sim.controller import AMPS, CONTROL, OUTPUT, Disorder
from tests.drivers.rigs import running
from tests.drivers.test_modbus_evse import Bench, bay_of, bench, driver_at
from tests.waiting import until


async def test_safety_05_a_contactor_is_closed_until_the_car_has_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without an offer the load still flows: who calls it open cuts it, and reads it too early."""
    monkeypatch.setattr(outlet, "RAMP_S", 1.0)
    async with bench() as made:
        await made.charging()
        made.evse.offer(0.0)
        await until(lambda: made.registers(AMPS, OUTPUT) == (0, 0))
        assert made.outlet.closed
        first = await made.seen(contactor_closed=False)
        assert first.pilot is Pilot.B
        await until(lambda: not made.outlet.closed)


async def test_safety_05_a_car_that_never_lets_go_is_open_once_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The controller opens behind its back; no register shows that, and the car asks on."""
    monkeypatch.setattr(outlet, "RAMP_S", 1e6)
    monkeypatch.setattr(controller, "RELEASE_S", 0.2)
    monkeypatch.setattr(modbus_evse, "RELEASED_WITHIN_S", 0.4)
    loop = asyncio.get_running_loop()
    async with bench() as made:
        await made.charging()
        withdrawn_at = loop.time()
        made.evse.offer(0.0)
        first = await made.seen(contactor_closed=False)
        assert first.pilot is Pilot.C
        assert first.at.monotonic >= withdrawn_at + 0.4
        assert first.tripped == frozenset()
        assert not made.outlet.closed


async def test_safety_09_a_controller_that_goes_on_offering_is_welded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Withdrawn, not switched off: it has as long as a car may take, and no longer."""
    monkeypatch.setattr(modbus_evse, "WITHDRAWN_WITHIN_S", 0.4)
    loop = asyncio.get_running_loop()
    async with bench() as made:
        await made.charging()
        made.disorder(Disorder.DEAF)
        withdrawn_at = loop.time()
        made.evse.offer(0.0)
        first = await made.seen(tripped=frozenset({Trip.WELDED}))
        assert first.at.monotonic >= withdrawn_at + 0.4
        assert first.contactor_closed


async def test_safety_09_a_controller_that_was_away_has_time_to_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is ordered off while nobody answers is no weld with the first answer."""
    monkeypatch.setattr(modbus_evse, "OFF_WITHIN_S", 0.5)
    async with bay_of() as bay, driver_at(bay) as evse:
        async with running(evse.run) as inbox:
            made = Bench(bay, evse, inbox)
            await inbox.first(EvseSeen)
            await made.charging()
        made.disorder(Disorder.SILENT)
        evse.offer(0.0)
        evse.cut()
        with pytest.raises(EvseFailed, match="silent"):
            await evse.run(inbox.post)
        loop = asyncio.get_running_loop()
        again_at = loop.time() + 0.6  # as the supervisor waits before it tries again
        await until(lambda: loop.time() > again_at)
        made.controller.disorders.clear()
        made.disorder(Disorder.LIES)  # its contactor takes its time
        async with running(evse.run) as inbox:
            first = await inbox.first(EvseSeen)
        assert (first.contactor_closed, first.tripped) == (True, frozenset())


async def test_safety_06_less_of_an_offer_does_not_end_the_rest() -> None:
    """Less than before is no new permission: a contactor that was cut stays open."""
    async with bench() as made:
        await made.charging()
        made.evse.cut()
        await made.seen(contactor_closed=False)
        made.evse.offer(10.0)
        await made.evse._write_order()
        assert made.registers(AMPS, CONTROL) == (0, 1)
        assert not made.outlet.closed
        made.evse.offer(12.0)
        await made.seen(contactor_closed=True)

"""The daemon's pins and the world's wires, both ways, over the real socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gpiozero import DigitalInputDevice, DigitalOutputDevice, PWMOutputDevice

from edge.errors import SimulationError
from edge.sim.bay import Bay
from edge.sim.wires import Attached, BayWanted, attach
from tests.sim.bays import Caller, TestDaemon, bay_at, calling
from tests.waiting import until

WANTED = BayWanted()
DUTY_32_A = 32 / 60


@pytest.fixture
async def bay(tmp_path: Path) -> AsyncIterator[Bay]:
    """A bay whose cars would draw 7.36 kW."""
    async with bay_at(tmp_path / "s.sock", draw_w=7360.0) as bay:
        yield bay


@pytest.fixture
async def caller(bay: Bay, tmp_path: Path) -> AsyncIterator[Caller]:
    """A connection to it."""
    async with calling(tmp_path / "s.sock") as caller:
        yield caller


@pytest.fixture
def daemon() -> TestDaemon:
    """Hooks that remember."""
    return TestDaemon()


def pins(attached: Attached, connector: int = 1) -> dict[str, Any]:
    table = attached.tables["connectors"][str(connector)]["evse"]
    assert isinstance(table, dict)
    return table


def output(attached: Attached, name: str, connector: int = 1) -> DigitalOutputDevice:
    return DigitalOutputDevice(pins(attached, connector)[name], pin_factory=attached.pin_factory)


def watched(attached: Attached, name: str, connector: int = 1) -> DigitalInputDevice:
    pin = pins(attached, connector)[name]
    return DigitalInputDevice(pin, pull_up=False, pin_factory=attached.pin_factory)


async def test_an_input_reaches_the_driver_before_the_verb_answers(
    bay: Bay, caller: Caller, tmp_path: Path, daemon: TestDaemon
) -> None:
    """And its callback runs in a thread of the hardware, as with lgpio; all within 100 ms."""
    threads: list[str] = []
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED) as attached:
        plug = watched(attached, "plug")
        plug.when_activated = lambda: threads.append(threading.current_thread().name)
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = await caller.ask("plug", connector=1)
        assert loop.time() - began < 0.1
        assert answer == {"ok": True, "seen": True}
        assert (plug.value, threads) == (1, ["sim-pins"])


async def test_an_output_reaches_the_world_and_comes_back_as_feedback(
    bay: Bay, caller: Caller, tmp_path: Path, daemon: TestDaemon
) -> None:
    """Coil written, contact closed, mirror contact read: a round trip in less than 100 ms."""
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED) as attached:
        await caller.ask("plug", connector=2)
        feedback = watched(attached, "feedback", 2)
        ready = watched(attached, "ready", 2)
        coil = output(attached, "coil", 2)
        pilot = PWMOutputDevice(
            pins(attached, 2)["pilot_pwm"],
            initial_value=1.0,
            frequency=1000,
            pin_factory=attached.pin_factory,
        )
        loop = asyncio.get_running_loop()
        began = loop.time()
        coil.on()
        await until(lambda: feedback.value == 1)
        assert loop.time() - began < 0.1
        pilot.value = DUTY_32_A
        await until(lambda: ready.value == 1)
        truth = (await caller.ask("world"))["connectors"]["2"]
        assert (truth["offered_a"], truth["power_w"]) == (32.0, 7360.0)


async def test_a_driver_that_opens_late_finds_the_levels_that_are(
    bay: Bay, caller: Caller, tmp_path: Path, daemon: TestDaemon
) -> None:
    """A plug that was in before the daemon came, and before the pin was opened."""
    await caller.ask("plug", connector=1)
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED) as attached:
        assert watched(attached, "plug").value == 1
        assert watched(attached, "rcd").value == 0
        floating = DigitalInputDevice(
            pins(attached)["vehicle"],
            pull_up=None,
            active_state=True,
            pin_factory=attached.pin_factory,
        )
        assert floating.value == 1


async def test_an_orderly_end_lets_go_of_the_coil(
    bay: Bay, tmp_path: Path, daemon: TestDaemon
) -> None:
    """Closed pins are inputs, and the relay board pulls them down."""
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED) as attached:
        coil = output(attached, "coil")
        coil.on()
        await until(lambda: bay.look().outlet(1).closed)
    await until(lambda: not bay.look().outlet(1).closed)


async def test_a_daemon_that_drops_dead_leaves_its_pins_as_they_were(
    bay: Bay, caller: Caller, tmp_path: Path
) -> None:
    """As on a Pi: the contactor stays closed and energy goes on, until somebody drives it off."""
    await caller.ask("plug", connector=1)
    async with calling(tmp_path / "s.sock") as dying:
        await dying.ask("attach", connectors=2, meter_bus="rtu", meter_model="sdm120")
        with bay.touch() as world:
            world.outlet(1).outputs.update(coil=1.0, pilot_pwm=DUTY_32_A)
        await caller.ask("wait", condition={"connectors.1.power_w": {"gte": 7000}})
    await until(lambda: bay.daemon is None)
    drawn = bay.look().outlet(1).drawn_wh
    await until(lambda: bay.look().outlet(1).drawn_wh > drawn)
    async with attach(tmp_path / "s.sock", TestDaemon().hooks(), WANTED) as attached:
        assert bay.look().outlet(1).closed
        output(attached, "coil")
        await until(lambda: not bay.look().outlet(1).closed)


async def test_power_kill_reaches_daemon_and_coil_and_a_new_daemon_brings_light(
    bay: Bay, caller: Caller, tmp_path: Path, daemon: TestDaemon
) -> None:
    """Nothing written afterwards has any effect until somebody attaches anew."""
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED) as attached:
        coil = output(attached, "coil")
        coil.on()
        await until(lambda: bay.look().outlet(1).closed)
        assert (await caller.ask("power", mode="kill"))["daemon"] == "did not die"
        assert daemon.asked == [("power", "kill")]
        coil.off()
        coil.on()
        await until(lambda: not bay.look().outlet(1).closed)
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED) as attached:
        coil = output(attached, "coil")
        coil.on()
        await until(lambda: bay.look().outlet(1).closed)


async def test_the_grid_is_seen_by_the_power_good_input(
    bay: Bay, caller: Caller, tmp_path: Path, daemon: TestDaemon
) -> None:
    """`power fail` and `power back` reach a pin as `[power_good]` names it, and nothing else."""
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED) as attached:
        table = attached.tables["power_good"]
        assert table["kind"] == "gpio"
        with DigitalInputDevice(table["pin"], pin_factory=attached.pin_factory) as good:
            assert good.is_active
            assert (await caller.ask("power", mode="fail"))["ok"]
            await until(lambda: not good.is_active)
            assert not (await caller.ask("world"))["mains"]
            assert (await caller.ask("power", mode="back"))["ok"]
            await until(lambda: good.is_active)
    assert daemon.asked == []
    assert bay.world.mains


async def test_power_off_darkens_the_bay_when_the_daemon_has_left(
    bay: Bay, caller: Caller, tmp_path: Path, daemon: TestDaemon
) -> None:
    """The back-up supply holds everything until then."""
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED):
        assert (await caller.ask("power", mode="off"))["daemon"] == "leaving"
        assert bay.world.outlet(1).mains
    await until(lambda: not bay.world.outlet(1).mains)


async def test_hooks_are_called_in_the_loop_with_their_arguments(
    bay: Bay, caller: Caller, tmp_path: Path, daemon: TestDaemon
) -> None:
    """Plain or awaitable, the answer comes when they are done."""
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED):
        assert (await caller.ask("net", mode="down", for_s=3))["ok"]
        assert (await caller.ask("disk", mode="full", delay_s=0.5))["ok"]
        assert (await caller.ask("clock", offset_s=-5, freeze="on"))["ok"]
        assert (await caller.ask("reset_state", keep=["queue"]))["ok"]
        assert (await caller.ask("fail.locallist", on="on"))["ok"]
        told = await caller.ask("ocpp.datatransfer", vendorId="v", messageId="m", data="d")
        assert told == {"ok": True, "status": "Accepted", "data": "d"}
        assert (await caller.ask("ocpp.security_event", type="MemoryExhaustion"))["ok"]
    assert daemon.asked == [
        ("net", "down", 3, 10),
        ("disk", "full", 0.5),
        ("clock", -5, True),
        ("reset_state", ("queue",)),
        ("fail.locallist", True),
        ("ocpp.datatransfer", "v", "m", "d"),
        ("ocpp.security_event", "MemoryExhaustion", None),
    ]


async def test_a_hook_that_refuses_or_fails_is_answered(
    bay: Bay, caller: Caller, tmp_path: Path, daemon: TestDaemon
) -> None:
    """The asker is never left waiting."""

    def refuse(_mode: str, _for_s: float | None, _after_bytes: int) -> None:
        raise SimulationError("no line to cut")

    hooks = daemon.hooks()
    refusing = replace(hooks, net=refuse, clock=lambda _o, _f: 1 / 0)
    async with attach(tmp_path / "s.sock", refusing, WANTED):
        assert await caller.ask("net", mode="down") == {"error": "no line to cut"}
        assert "ZeroDivisionError" in (await caller.ask("clock"))["error"]


async def test_the_snapshot_joins_the_daemons_words_and_the_worlds_facts(
    bay: Bay, caller: Caller, tmp_path: Path, daemon: TestDaemon
) -> None:
    """Where both know, the world wins; changes wake those who wait."""
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED) as attached:
        state = await caller.ask("state")
        assert (state["boot"], state["online"], state["attached"]) == ("Accepted", True, True)
        assert state["connectors"]["1"]["status"] == "Available"
        assert state["connectors"]["1"]["plugged"] is False
        caller.say("wait", condition={"connectors.1.status": "Preparing"})
        daemon.status = "Preparing"
        attached.changed()
        assert (await caller.hear())["ok"]
    await until(lambda: bay.daemon is None)
    state = await caller.ask("state")
    assert (state["attached"], state["online"]) == (False, False)
    assert state["connectors"]["1"]["status"] is None


async def test_a_card_is_seen_when_the_chip_has_reported_it(
    bay: Bay, caller: Caller, tmp_path: Path, daemon: TestDaemon
) -> None:
    """The tables name a port on which the real driver finds a reader."""
    import serial
    from adafruit_pn532.uart import PN532_UART

    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED) as attached:
        port = attached.tables["readers"]["0"]["port"]
        listening = asyncio.Event()
        loop = asyncio.get_running_loop()

        def read() -> str:
            with serial.Serial(port, timeout=0.03) as line:
                chip = PN532_UART(line)
                assert chip.listen_for_passive_target(timeout=1.0)
                loop.call_soon_threadsafe(listening.set)
                return bytes(chip.get_passive_target(timeout=1.0)).hex()

        reading = asyncio.create_task(asyncio.to_thread(read))
        await listening.wait()
        assert await caller.ask("card", uid="DEADBEEF") == {"ok": True, "seen": True}
        assert await reading == "deadbeef"


async def test_only_one_daemon_is_attached(
    bay: Bay, tmp_path: Path, daemon: TestDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second one gives up after a while; it would fight over the pins."""
    monkeypatch.setattr("edge.sim.wires.BUSY_TRIES", 2)
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED):
        with pytest.raises(SimulationError, match="already"):
            async with attach(tmp_path / "s.sock", TestDaemon().hooks(), WANTED):
                pass


async def test_a_successor_waits_for_the_place_of_the_dying(
    bay: Bay, tmp_path: Path, daemon: TestDaemon
) -> None:
    """A restart may be faster than the news of the death."""
    async with calling(tmp_path / "s.sock") as dying:
        await dying.ask("attach", connectors=2, meter_bus="rtu", meter_model="sdm120")
        asyncio.get_running_loop().call_later(0.1, dying.hang_up)
        async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED) as attached:
            assert attached.tables["connectors"]


async def test_another_bay_than_the_one_wanted_is_refused(
    bay: Bay, tmp_path: Path, daemon: TestDaemon
) -> None:
    """Tables of another bay would be a lie."""
    with pytest.raises(SimulationError, match="is built as"):
        async with attach(tmp_path / "s.sock", daemon.hooks(), BayWanted(meter_bus="tcp")):
            pass


async def test_without_a_lock_the_tables_have_none(
    bay: Bay, caller: Caller, tmp_path: Path, daemon: TestDaemon
) -> None:
    """A socket without a lock is configured without one."""
    await caller.ask("lock", connector=1, mode="absent")
    async with attach(tmp_path / "s.sock", daemon.hooks(), WANTED) as attached:
        assert "lock" not in pins(attached, 1)
        assert "lock" in pins(attached, 2)

"""What the core judges, on the whole daemon: real drivers, a world that misbehaves."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.together.edge_bench import Bench, bench
from tests.waiting import WITHIN_S, until

pytestmark = [pytest.mark.together, pytest.mark.slow]

OPTIONS = (
    "policy.start_stop_dead_time_s=0",
    "policy.reclose_delay_s=0.3",
    "bounds.voltage_warn_after_s=1",
    "bounds.voltage_clear_after_s=2",
)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def bay(directory: Path) -> AsyncIterator[Bench]:
    async with bench(directory) as made:
        made.start(*OPTIONS)
        await made.sim("wait", condition={"online": True}, timeout_s=WITHIN_S)
        yield made


async def charging(bay: Bench) -> None:
    await bay.sim("plug", connector=1)
    await bay.wait(status="Preparing")
    await bay.tap()
    await bay.wait(status="Charging", contactor_closed=True)


def newest(bay: Bench) -> tuple[str, str, str | None]:
    """What the central system was told last of connector 1."""
    told = bay.central.payloads("StatusNotification")
    mine = [each for each in told if each["connectorId"] == 1]
    return mine[-1]["status"], mine[-1]["errorCode"], mine[-1].get("info")


async def told(bay: Bench, *wanted: str | None, within_s: float = 20) -> None:
    await until(lambda: newest(bay) == wanted, within_s=within_s)


async def truth(bay: Bench) -> dict[str, Any]:
    """Connector 1 as the world knows it."""
    found: dict[str, Any] = (await bay.sim("world"))["connectors"]["1"]
    return found


def reasons(bay: Bench) -> list[str]:
    return [each["reason"] for each in bay.central.payloads("StopTransaction")]


@pytest.mark.parametrize(
    ("volts", "code", "warned", "stopped"),
    [
        (256.0, "OverVoltage", "supply voltage high", None),
        (276.0, "OverVoltage", None, "supply voltage too high"),
        (184.0, "UnderVoltage", None, "supply voltage too low"),
    ],
)
async def test_a_supply_out_of_bounds_warns_or_stops_until_it_is_back(
    bay: Bench, volts: float, code: str, warned: str | None, stopped: str | None
) -> None:
    """EN 50160; ruling 17: the session waits and goes on."""
    await charging(bay)
    await bay.sim("meter", connector=1, voltage=volts)
    if warned is not None:
        await told(bay, "Charging", code, warned)
        assert (await truth(bay))["contactor_closed"]
    else:
        await told(bay, "Faulted", code, stopped)
        await until_open(bay)
    await bay.sim("meter", connector=1, voltage=230.0)
    await told(bay, "Charging", "NoError", None)
    assert reasons(bay) == []


async def until_open(bay: Bench) -> None:
    await bay.sim("wait", condition={"connectors.1.contactor_closed": False}, timeout_s=10)


async def test_safety_14_a_car_that_takes_too_much_is_stopped(bay: Bench) -> None:
    """Safety 14: half as much again as it is offered; told within ten seconds."""
    await charging(bay)
    await bay.sim("fault", connector=1, code="OverCurrentFailure")
    await told(bay, "Faulted", "OverCurrentFailure", "more current than offered")
    await until_open(bay)
    await until(lambda: reasons(bay) == ["Other"], within_s=10)


async def test_safety_15_heat_derates_then_stops_and_a_lost_sensor_is_a_warning(
    bay: Bench,
) -> None:
    """Safety 15: the real driver reads the file that the world writes, as the kernel would."""
    await charging(bay)
    await bay.sim("temperature", connector=1, celsius=67.5)
    await told(bay, "Charging", "HighTemperature", "warm inside: less current")
    await bay.wait(offered_a={"lte": 19.1, "gte": 18.9})
    await bay.sim("temperature", connector=1, celsius=72.0)
    await told(bay, "Faulted", "HighTemperature", "too hot inside")
    await until_open(bay)
    await bay.sim("temperature", connector=1, celsius=30.0)
    await told(bay, "Charging", "NoError", None)
    await bay.sim("temperature", connector=1, celsius="off")
    await told(bay, "Charging", "OtherError", "no temperature: less current", within_s=45)
    await bay.wait(offered_a={"lte": 10.1})
    assert reasons(bay) == []


async def test_safety_09_a_weld_behind_a_broken_feedback_is_found_by_the_meter(
    bay: Bench,
) -> None:
    """Safety 9, firsts 11: feedback says open, the meter says 32 A; held until somebody looked."""
    await charging(bay)
    await bay.sim("fault", connector=1, code="contactor_welded")
    await bay.sim("fault", connector=1, code="feedback_broken")
    await told(bay, "Faulted", "PowerSwitchFailure", "current while open: welded?", within_s=30)
    welded = "current while open: contactor welded"
    await told(bay, "Faulted", "PowerSwitchFailure", welded, within_s=40)
    assert bay.daemon is not None
    bay.daemon.kill()
    bay.daemon.wait()
    await bay.sim("clear", connector=1)
    await bay.sim("unplug", connector=1)
    bay.start(*OPTIONS)
    await bay.sim("wait", condition={"online": True}, timeout_s=WITHIN_S)
    await told(bay, "Faulted", "PowerSwitchFailure", welded)
    answer = await asyncio.to_thread(bay.control, "release", connector=1)
    assert answer == {"released": ["flows_while_open"]}
    await told(bay, "Available", "NoError", None)


async def test_safety_16_a_local_word_holds_as_long_as_it_was_given(bay: Bench) -> None:
    """Safety 16: 10 A, then none, then the rating once the manager takes its word back."""
    await charging(bay)
    await asyncio.to_thread(bay.control, "limit", connector=1, limit_a=10.0, for_s=2.0)
    await bay.wait(offered_a={"lte": 10.1, "gte": 9.9})
    await bay.wait(status="SuspendedEVSE")
    await asyncio.to_thread(bay.control, "limit", connector=1)
    await bay.wait(status="Charging", offered_a={"gte": 31.0})

"""The whole daemon with a controller on the meters' bus: a session, its faults, its end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.together.edge_bench import Bench, bench, end
from tests.waiting import until

pytestmark = [pytest.mark.together, pytest.mark.slow]

OPTIONS = (
    "simulated.evse=modbus",
    "ocpp.MeterValueSampleInterval=1",
    "policy.stop_start_dead_time_s=0",
    "policy.start_stop_dead_time_s=0",
    "policy.reclose_delay_s=0.5",
    "policy.stop_within_s=1",
    "supervision.retry_most_s=1",
)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def bay(directory: Path) -> AsyncIterator[Bench]:
    async with bench(directory, "--evse", "modbus") as made:
        made.start(*OPTIONS)
        await until(lambda: made.central.statuses(1) == ["Available"])
        yield made


async def charging(bay: Bench) -> None:
    """Plug, tap, and wait until energy flows and the start is answered."""
    await bay.sim("plug", connector=1)
    await bay.wait(status="Preparing")
    await bay.tap()
    await bay.wait(status="Charging", contactor_closed=True)
    await until(lambda: bay.central.payloads("StartTransaction"))


async def test_a_whole_session_behind_a_controller(bay: Bench) -> None:
    """Meters and controllers share one line; what is billed is what the world drew."""
    await bay.sim("plug", connector=1)
    await bay.wait(status="Preparing")
    world = (await bay.sim("world"))["connectors"]["1"]
    assert (world["drawn_wh"], world["offered_a"]) == (0, 0)
    await bay.tap()
    await bay.wait(status="Charging", contactor_closed=True, offered_a=32.0)
    await until(lambda: len(bay.central.payloads("MeterValues")) >= 2)
    await bay.tap()
    await until(lambda: bay.central.payloads("StopTransaction"))
    await bay.wait(status="Finishing", contactor_closed=False, offered_a=0.0)
    await bay.sim("unplug", connector=1)
    await until(lambda: bay.central.statuses(1)[-1] == "Available")
    (start,) = bay.central.payloads("StartTransaction")
    (stop,) = bay.central.payloads("StopTransaction")
    world = (await bay.sim("world"))["connectors"]["1"]
    assert stop["meterStop"] > start["meterStart"]
    assert abs(stop["meterStop"] - start["meterStart"] - world["drawn_wh"]) <= 10
    told = bay.central.statuses(1)
    assert told[:3] == ["Available", "Preparing", "SuspendedEV"]
    assert "Charging" in told


async def test_a_car_that_pauses_is_suspended_and_goes_on(bay: Bench) -> None:
    """C to B and back: the controller opens and closes, the offer stands."""
    await charging(bay)
    await bay.sim("ev", connector=1, state="B")
    await bay.wait(status="SuspendedEV", contactor_closed=False)
    await bay.sim("ev", connector=1, state="C")
    await bay.wait(status="Charging", contactor_closed=True)
    assert bay.central.payloads("StopTransaction") == []


@pytest.mark.parametrize(
    ("fault", "code", "info"),
    [
        ("controller_silent", "InternalError", "charging point does not answer"),
        ("controller_diode", "OtherError", "control pilot lost"),
        ("rcd", "GroundFailure", "residual current device"),
    ],
)
async def test_a_fault_of_the_controller_is_told_and_heals(
    bay: Bench, fault: str, code: str, info: str
) -> None:
    """Faulted with its code; a controller that cannot be reached is one too."""
    await charging(bay)
    await bay.sim("fault", connector=1, code=fault)
    await until(lambda: "Faulted" in bay.central.statuses(1))
    told = [
        (each["errorCode"], each["info"])
        for each in bay.central.payloads("StatusNotification")
        if each["status"] == "Faulted"
    ]
    assert told == [(code, info)]
    await bay.sim("clear", connector=1)
    await bay.wait(status={"not": "Faulted"})


async def test_safety_09_a_controller_that_does_not_let_go_is_told_as_welded(bay: Bench) -> None:
    """It is off and shows that it charges: no new session, and the old one ends."""
    await charging(bay)
    await bay.sim("fault", connector=1, code="controller_deaf")
    await bay.tap()
    await bay.wait(status="Faulted")
    await until(lambda: bay.central.payloads("StopTransaction"))
    told = bay.central.payloads("StatusNotification")[-1]
    assert (told["errorCode"], told["info"]) == ("PowerSwitchFailure", "contactor does not open")


async def test_safety_02_the_end_of_the_daemon_switches_the_controller_off(bay: Bench) -> None:
    """SIGTERM, with a car that charges."""
    await charging(bay)
    assert bay.daemon is not None
    assert end(bay.daemon) == 0
    world = (await bay.sim("world"))["connectors"]["1"]
    assert (world["contactor_closed"], world["offered_a"]) == (False, 0.0)

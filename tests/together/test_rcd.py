"""The self-test of the residual current device, on the whole daemon and real pins' wires."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from edge.cli import main
from tests.together.edge_bench import Bench, bench
from tests.waiting import until

pytestmark = [pytest.mark.together, pytest.mark.slow]

CONFIGURATION: Final = """
hardware = "stand_in"

[readers.0]
kind = "pn532"
interface = "uart"
port = "/dev/serial0"

[buses.meters]
kind = "rtu"
port = "/dev/ttyUSB0"
baudrate = 9600

[connectors.1.evse]
kind = "gpio"
coil = 17
feedback = 27
plug = 22
pilot_pwm = 12
vehicle = 23
ready = 24
rcd = 6
rcd_test = 8

[connectors.1.meter]
kind = "modbus"
bus = "meters"
model = "sdm120"
unit = 1

[policy]
rcd_test_every_s = 10.0
rcd_trips_an_hour = 0                   # any trip that is counted would latch
start_stop_dead_time_s = 0.0
reclose_delay_s = 0.3
"""
FAILED: Final = ("Faulted", "GroundFailure", "residual current device: self-test failed")


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


def passes(made: Bench) -> int:
    """How many tests this daemon's device has passed, as it recorded them for us."""
    file = made.directory / "it.rec"
    words = ["--state-dir", str(made.directory / "d")]
    assert main(["edge", "recording", "export", str(file), *words]) == 0
    kept = [line for line in file.read_text().splitlines() if "RcdTested" in line]
    file.unlink()
    return sum('"tries":0' in line and '"passed_at":{' in line for line in kept)


def newest(made: Bench) -> tuple[str, str, str | None]:
    """What the central system was told last of connector 1."""
    told = [each for each in made.central.payloads("StatusNotification") if each["connectorId"]]
    return told[-1]["status"], told[-1]["errorCode"], told[-1].get("info")


async def test_safety_12_the_device_is_tested_and_a_dead_one_is_a_fault_until_released(
    directory: Path,
) -> None:
    """Safety 12: at the start, after a session, each ten seconds here; no Faulted but the true."""
    file = directory / "edge.toml"
    file.write_text(CONFIGURATION)
    async with bench(directory, own_world=True) as made:
        made.start("simulated.draw_w=7400", config=file)
        await until(lambda: "Available" in made.central.statuses(1))
        await until(lambda: passes(made) == 1)
        await made.sim("plug", connector=1)
        await made.wait(status="Preparing")
        await made.tap()
        await made.wait(status="Charging", contactor_closed=True)
        tested = passes(made)
        await made.sim("unplug", connector=1)
        await until(lambda: made.central.payloads("StopTransaction"))
        await until(lambda: passes(made) > tested)
        assert "Faulted" not in made.central.statuses(1)
        await made.sim("fault", connector=1, code="rcd_test_dead")
        await until(lambda: newest(made) == FAILED, within_s=20)
        assert made.daemon is not None
        made.daemon.kill()
        made.daemon.wait()
        made.central.calls.clear()
        made.start("simulated.draw_w=7400", config=file)
        await until(lambda: FAILED[0] in made.central.statuses(1))
        assert newest(made) == FAILED
        answer = await asyncio.to_thread(made.control, "release", connector=1)
        assert answer == {"released": ["rcd_test"]}
        await until(lambda: newest(made) == ("Available", "NoError", None))
        await until(lambda: passes(made) == 1)

"""`tapwatt edge safe-off` after the daemon was killed in the middle of a session."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli import main
from tests.together.edge_bench import Bench, bench, end
from tests.waiting import until

pytestmark = [pytest.mark.together, pytest.mark.slow]


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


async def killed_while_charging(bay: Bench, evse: str) -> None:
    """A live cable that nobody looks after: pins and registers are as they were left."""
    bay.start(f"simulated.evse={evse}")
    await until(lambda: bay.central.statuses(1) == ["Available"])
    await bay.sim("plug", connector=1)
    await bay.wait(status="Preparing")
    await bay.tap()
    await bay.wait(status="Charging", contactor_closed=True)
    assert bay.daemon is not None
    end(bay.daemon, signal.SIGKILL)
    world = (await bay.sim("world"))["connectors"]["1"]
    assert (world["contactor_closed"], world["coil"]) == (True, True)


async def switch_off(bay: Bench, evse: str) -> int:
    words = ["edge", "safe-off", "--state-dir", str(bay.directory / "d")]
    words += ["--sim-socket", str(bay.socket), "-o", f"simulated.evse={evse}"]
    return await asyncio.to_thread(main, words)


@pytest.mark.parametrize("evse", ["gpio", "modbus"])
async def test_safety_02_all_is_off_after_the_death_of_the_daemon(
    directory: Path, evse: str
) -> None:
    """What ExecStopPost runs; the contactor is seen open before it ends."""
    async with bench(directory, "--evse", evse) as bay:
        await killed_while_charging(bay, evse)
        assert await switch_off(bay, evse) == 0
        world = (await bay.sim("world"))["connectors"]["1"]
        assert (world["contactor_closed"], world["coil"]) == (False, False)


async def test_safety_09_a_contactor_that_stays_closed_is_told(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1, and the connector by its number; the others are off."""
    async with bench(directory) as bay:
        await killed_while_charging(bay, "gpio")
        await bay.sim("fault", connector=1, code="contactor_welded")
        assert await switch_off(bay, "gpio") == 1
        assert "connector 1 is not seen open: its contactor shows closed" in capsys.readouterr().out
        world = (await bay.sim("world"))["connectors"]["1"]
        assert not world["coil"]

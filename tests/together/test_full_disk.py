"""The whole daemon on a file system that is really full: what runs goes on, nothing new begins."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli import main
from tests.together.edge_bench import Bench, bench, warned
from tests.waiting import until

pytestmark = [pytest.mark.together, pytest.mark.slow]

SIZE = "size=700k"  # for a journal and the log of a few sessions
OPTIONS = (
    "policy.stop_start_dead_time_s=0",
    "policy.start_stop_dead_time_s=0",
    "ocpp.MeterValueSampleInterval=1",
    "journal.free_least_mib=0",
)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path with a small disk in it, where the daemon keeps its state."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    state = made / "d"
    state.mkdir()
    mounted = os.geteuid() == 0 and not subprocess.call(
        ["mount", "-t", "tmpfs", "-o", SIZE, "tmpfs", str(state)]
    )
    if not mounted:
        pytest.skip("needs root and leave to mount a tmpfs")
    yield made
    subprocess.check_call(["umount", "--lazy", str(state)])
    shutil.rmtree(made)


def fill(disk: Path) -> Path:
    """Leave not a byte."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            return disk / "filler"
    raise AssertionError("the disk has no end")


async def test_a_full_disk(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Issue 4.8: no new sessions, a clear fault; the running one ends in memory, is told later."""
    async with bench(directory) as made:
        made.start(*OPTIONS)
        await until(lambda: "Available" in made.central.statuses(1))
        await made.sim("plug", connector=1)
        await made.wait(status="Preparing")
        await made.tap()
        await made.wait(status="Charging", contactor_closed=True)
        await until(lambda: made.central.payloads("MeterValues"))
        filler = fill(directory / "d")
        await until(lambda: not made.control("status")["recorded"], within_s=20)
        await until(lambda: made.central.statuses(2)[-1] == "Faulted")
        told = made.central.payloads("StatusNotification")[-1]
        assert (told["errorCode"], told["info"]) == ("InternalError", "journal: disk is full")
        assert main(["edge", "status", "--state-dir", str(directory / "d")]) == 0
        assert "the journal takes nothing" in capsys.readouterr().out
        await made.wait(status="Charging", contactor_closed=True)

        await nothing_begins(made)
        await made.tap()
        await made.wait(contactor_closed=False, session=None)
        assert not made.central.payloads("StopTransaction")

        filler.unlink()
        await until(lambda: made.central.payloads("StopTransaction"))
        await until(lambda: made.central.statuses(2)[-1] == "Preparing")
        await until(lambda: "MemoryExhaustion" in warned(made))
        (start,), (stop,) = (
            made.central.payloads(kind) for kind in ("StartTransaction", "StopTransaction")
        )
        world = (await made.sim("world"))["connectors"]["1"]
        assert abs(stop["meterStop"] - start["meterStart"] - world["drawn_wh"]) <= 10


async def nothing_begins(made: Bench) -> None:
    """A car at the other connector, a remote start for it, a reservation: no, and at once."""
    await made.sim("plug", connector=2)
    start = {"idTag": "DEADBEEF", "connectorId": 2}
    answer = await made.central.command("r1", "RemoteStartTransaction", start)
    assert answer == {"status": "Rejected"}
    hold = {
        "connectorId": 2,
        "expiryDate": "2099-01-01T00:00:00Z",
        "idTag": "A",
        "reservationId": 1,
    }
    assert await made.central.command("r2", "ReserveNow", hold) == {"status": "Rejected"}

"""The whole daemon on a journal that the card has spoilt: it goes on, and says so."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli import main
from tests.together.edge_bench import bench, end, warned
from tests.waiting import until

pytestmark = [pytest.mark.together, pytest.mark.slow]

OPTIONS = (
    "policy.stop_start_dead_time_s=0",
    "policy.start_stop_dead_time_s=0",
    "policy.reclose_delay_s=0.3",
    "journal.after_damage=refuse",
)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


def spoil_the_beginning(journal: Path) -> None:
    with journal.open("r+b") as file:
        file.write(b"\xa5" * 1024)  # one page


async def test_a_session_outlives_its_journal(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 4.7: set aside, salvaged, reported; nobody new charges until it is accepted."""
    async with bench(directory) as made:
        made.start(*OPTIONS)
        await until(lambda: "Available" in made.central.statuses(1))
        await made.sim("plug", connector=1)
        await made.wait(status="Preparing")
        await made.tap()
        await made.wait(status="Charging", contactor_closed=True)
        await until(lambda: made.central.payloads("StartTransaction"))
        assert made.daemon is not None
        end(made.daemon)
        spoil_the_beginning(directory / "d" / "journal.sqlite3")

        made.start(*OPTIONS)
        await until(lambda: made.central.statuses(2)[-1] == "Faulted")
        await made.wait(status="Charging", contactor_closed=True)
        await until(lambda: "SecurityLogWasCleared" in warned(made))
        assert (directory / "d" / "journal.sqlite3.damaged-1").exists()
        at = ["--state-dir", str(directory / "d")]
        assert main(["edge", "status", *at]) == 0
        assert "journal.sqlite3.damaged-1" in capsys.readouterr().out
        assert main(["edge", "journal", "accept", *at]) == 0
        await until(lambda: made.central.statuses(2)[-1] == "Available")
        assert main(["edge", "journal", "accept", *at]) == 0
        assert capsys.readouterr().out.splitlines() == ["accepted", "there is no damage to accept"]

        await made.tap()
        await until(lambda: made.central.payloads("StopTransaction"))
        (start,), (stop,) = (
            made.central.payloads(kind) for kind in ("StartTransaction", "StopTransaction")
        )
        assert stop["transactionId"] == 4711
        world = (await made.sim("world"))["connectors"]["1"]
        assert abs(stop["meterStop"] - start["meterStart"] - world["drawn_wh"]) <= 10

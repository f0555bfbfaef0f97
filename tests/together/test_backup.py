"""A backup of a controller at work holds what it knows, and is one that can be gone back to."""

from __future__ import annotations

import asyncio
import json
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from edge.cli import main
from tests.together.edge_bench import Bench, bench, end
from tests.waiting import until

pytestmark = pytest.mark.together
DEAD = "csms.url=ws://127.0.0.1:1/ocpp"
TOML = '[csms]\npassword = "correct horse battery"\nca_file = "{ca}"\n'


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def bay(directory: Path) -> AsyncIterator[Bench]:
    async with bench(directory) as made:
        yield made


async def test_a_backup_is_taken_while_it_works_and_brings_the_session_back(
    bay: Bench, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line is dead from the first second: ready, charging, and copied all the same."""
    bay.start(DEAD, "ocpp.AllowOfflineTxForUnknownId=true")
    await bay.sim("plug", connector=1)
    await bay.tap()
    await bay.wait(status="Charging")
    await until(lambda: bay.control("journal")["count"] > 0)
    line = bay.control("status")["line"]
    assert line["what"] == "the central system cannot be reached"
    assert bay.control("why")["line"]["remedy"]
    ca, toml, file = directory / "ca.pem", directory / "edge.toml", directory / "b.tar.gz"
    ca.write_text("a root\n")
    toml.write_text(TOML.format(ca=ca))
    where = ["--state-dir", str(directory / "d"), "--config", str(toml)]
    assert main(["edge", "backup", str(file), "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] == ["state/journal.sqlite3", "config/edge.toml", "config/ca.pem"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert not (directory / "d" / "backup.sqlite3").exists()
    assert main(["edge", "backup", str(file), *where]) == 2
    assert "overwrites none" in capsys.readouterr().err
    waiting = bay.control("journal")["outbox"]
    assert bay.daemon is not None
    bay.daemon.kill()
    bay.daemon.wait()
    shutil.rmtree(directory / "d")
    with tarfile.open(file) as archive:
        archive.extractall(directory, filter="data")
    (directory / "state").rename(directory / "d")
    bay.start(DEAD)
    starts = [one for one in bay.control("journal")["outbox"] if one["kind"] == "StartTransaction"]
    assert starts == [one for one in waiting if one["kind"] == "StartTransaction"]
    assert end(bay.daemon) == 0


async def test_a_stopped_one_is_copied_as_it_lies_there(
    bay: Bench, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And where there is none, that is said."""
    where = ["--state-dir", str(directory / "d")]
    assert await asyncio.to_thread(main, ["edge", "backup", str(directory / "b"), *where]) == 2
    assert "check --state-dir" in capsys.readouterr().err
    bay.start()
    assert bay.daemon is not None
    end(bay.daemon)
    before = (directory / "d" / "journal.sqlite3").read_bytes()
    assert await asyncio.to_thread(main, ["edge", "backup", str(directory / "b"), *where]) == 0
    assert "keep it where nobody else reads it" in capsys.readouterr().out
    assert (directory / "d" / "journal.sqlite3").read_bytes() == before
    with tarfile.open(directory / "b") as archive:
        assert archive.getnames() == ["state/journal.sqlite3"]

"""The journal's file: its settings, its lock, and what becomes of a damaged one."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable
from contextlib import closing
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from edge.core.records import ConfigurationChanged
from edge.core.work import Stage
from edge.drivers.journal import open_journal
from edge.errors import ConfigError
from tests.drivers.test_journal import kept, opened, queued, stop_message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite3"


def spoil(path: Path, offset: int, contents: bytes) -> None:
    """Write over the file, as a dying card does."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(contents)


async def test_a_damaged_file_is_moved_aside_and_never_deleted(path: Path) -> None:
    """The driver's money may still be in it: `.recover` gets its chance, whatever came over."""
    await kept(path, [opened()])
    spoil(path, 0, 400_000 * b"?")  # more than all of it
    async with open_journal(path) as journal:
        damage = (await journal.load()).damage
    assert damage is not None
    assert (damage.aside, damage.rows, damage.told) == ("journal.sqlite3.damaged-1", 0, False)
    assert path.with_name(damage.aside).stat().st_size > 0


async def test_a_page_spoilt_inside_is_found_at_the_start(path: Path) -> None:
    """quick_check runs at every boot: a card corrupts pages nobody wrote."""
    await kept(path, [opened(), *(queued(seq, stop_message()) for seq in range(1, 300))])
    spoil(path, 5 * 4096, b"\xff" * 4096)
    await kept(path)
    assert path.with_name("journal.sqlite3.damaged-1").exists()


class Unreadable(sqlite3.Connection):
    """SQLite on a card that fails to read a page so often, then reads it.

    It says so in a row: checkTreePage in btree.c, seen with a pread that fails with EIO.
    """

    fails = 0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Fail the checks of the whole file alone."""
        if "quick_check" in sql and type(self).fails:
            type(self).fails -= 1
            return super().execute("SELECT 'Page 3: unable to get the page. error code=8458'")
        return super().execute(sql, parameters)


def unreadable(path: Path) -> Awaitable[aiosqlite.Connection]:
    return aiosqlite.connect(path, isolation_level=None, factory=Unreadable)


@pytest.mark.parametrize(("fails", "is_set_aside"), [(1, False), (2, True)])
async def test_a_page_that_cannot_be_read_once_is_no_damage(
    path: Path, fails: int, is_set_aside: bool
) -> None:
    """A card that hiccups at the start must not cost the station its journal."""
    await kept(path, [opened()])
    Unreadable.fails = fails
    async with open_journal(path, open_database=unreadable) as journal:
        assert ((await journal.load()).damage is not None) == is_set_aside
    assert path.with_name("journal.sqlite3.damaged-1").exists() == is_set_aside


async def test_it_runs_with_the_settings_that_hold_through_a_power_cut(path: Path) -> None:
    """Durability 1.3: anything less lost acknowledged rows."""
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "locking_mode": "exclusive",
        "page_size": 4096,
        "wal_autocheckpoint": 1000,
        "journal_size_limit": -1,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
    }
    async with open_journal(path) as journal:
        for name, value in wanted.items():
            async with journal._database.execute(f"PRAGMA {name}") as cursor:
                assert await cursor.fetchone() == (value,), name
        assert not path.with_name("journal.sqlite3-shm").exists()


OTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from edge.core.records import Alive
from edge.drivers.journal import open_journal
from tests.drivers.test_journal import opened, queued, start_message
async def main():
    async with open_journal(Path(sys.argv[1])) as journal:
        await journal.commit([opened(5), queued(8, start_message(), ref=5)])
        print("committed", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_second_process_is_refused_and_a_killed_one_leaves_all_it_committed(
    path: Path,
) -> None:
    """One writer; kill -9 loses nothing and leaves no lock behind."""
    other = subprocess.Popen(  # noqa: ASYNC220  waits are bounded by the test
        [sys.executable, "-c", OTHER_PROCESS, str(path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"committed\n"
        with pytest.raises(ConfigError, match="in use by another process"):
            await kept(path)
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
        if other.stdout is not None:
            other.stdout.close()
    saved = await kept(path)
    assert (saved.last_ref, saved.last_seq, saved.outbox_count) == (5, 8, 1)


OLD_ORDER = """
{"kind":"firmware","location":"https://example.org/f",
"at":{"wall":"2026-03-01T12:00:00Z","monotonic":1.0,"trusted":true},
"retries":2,"retry_interval_s":30,"retrieve_date":"2026-03-01T12:00:00Z","firmware_version":"1.0",
"file_name":null,"log_type":null,"request_id":null,"oldest":null,"latest":null}
"""


async def test_an_update_that_an_older_version_ordered_goes_on(path: Path) -> None:
    """The new version reads the row of the old one, which knew of no signatures."""
    await kept(path)
    with closing(sqlite3.connect(path)) as connection:
        row = ("firmware", OLD_ORDER, "rebooting", "Installing", 0)
        connection.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?)", row)
        connection.commit()
    (job,) = (await kept(path)).jobs
    assert (job.stage, job.ordered.firmware_version) == (Stage.REBOOTING, "1.0")
    assert (job.ordered.seal, job.ordered.install_date) == (None, None)


async def test_only_the_owner_reads_the_journal(tmp_path: Path) -> None:
    """A01.FR.10: the station's password is in it in clear."""
    path = tmp_path / "journal.sqlite3"
    path.touch(mode=0o644)
    async with open_journal(path) as journal:
        await journal.commit([ConfigurationChanged(key="AuthorizationKey", value="x" * 16)])
        assert modes(tmp_path) == {"journal.sqlite3": 0o600, "journal.sqlite3-wal": 0o600}


def modes(directory: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in directory.iterdir()}

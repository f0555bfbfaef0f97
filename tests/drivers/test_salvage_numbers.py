"""What salvage must not do to money: give up what can be read, or give a number or an id twice."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from edge.core.records import BootStarted, ConfigurationChanged, Record, TransactionBound
from edge.drivers.journal.salvage import JUMP
from edge.errors import ConfigError
from tests.drivers.test_journal import at, kept, opened, queued, samples, start_message
from tests.drivers.test_salvage import ACCEPTED, PAGE, mended, overwritten, owners


async def test_without_room_for_a_copy_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full /tmp must not cost what could be read: the journal stays until there is room."""
    path = tmp_path / "journal.sqlite3"
    await kept(path, [opened(5), ConfigurationChanged(key="K", value="v" * 90)])
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE transactions SET opened_at = '{'")
        file.commit()
    damaged = path.read_bytes()

    def full(_path: Path, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(ConfigError, match="make room"):
            await kept(path)
    assert path.read_bytes() == damaged
    assert [one.key for one in (await mended(path)).configuration] == ["K"]


async def test_a_boot_is_never_numbered_twice(tmp_path: Path) -> None:
    """What waits is dated by its boot: another one of that number would date it anew."""
    path = tmp_path / "journal.sqlite3"
    then = replace(at(10), boot=2, trusted=False)
    await kept(path, [BootStarted(at=then, kernel_boot="k", boot=2), replace(opened(1), at=then)])
    for table in ("boots", "lives"):
        spoil_table(path, table)
    last_boot = (await mended(path)).last_boot
    assert last_boot is not None
    assert last_boot.boot == 2


async def test_one_id_never_has_two_contents(tmp_path: Path) -> None:
    """I4: a sample that went as transaction 77, and has no number now, is another message."""
    path = tmp_path / "journal.sqlite3"
    bound = TransactionBound(ref=1, transaction_id=77, id_tag_info=ACCEPTED)
    rows: list[Record] = [
        opened(1),
        bound,
        queued(1, start_message(), ref=1),
        queued(2, samples(), ref=1),
    ]
    before = (await kept(path, rows)).outbox
    spoil_table(path, "transactions")
    after = (await mended(path)).outbox
    assert [one.seq for one in after] == [1, 2]
    assert after[0].message_id == before[0].message_id
    assert after[1].message_id != before[1].message_id


@pytest.mark.parametrize("number", [0, 1 << 52, (1 << 63) - 2])
async def test_a_number_that_no_station_reaches_is_damage(tmp_path: Path, number: int) -> None:
    """Counting on from it would overflow, at every start."""
    path = tmp_path / "journal.sqlite3"
    await kept(path, [opened(1), queued(1, start_message(), ref=1)])
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE outbox SET ref = ?, payload = '{'", (number,))
        file.execute("UPDATE counters SET value = ?", (number,))
        file.commit()
    saved = await mended(path)
    assert saved.outbox == ()
    assert JUMP <= saved.last_ref < 2 * JUMP


def spoil_table(path: Path, table: str) -> None:
    """Write nothing over every page of *table*."""
    for page in [page for page, owner in owners(path).items() if owner == table]:
        overwritten(path, (page - 1) * PAGE, bytes(PAGE))

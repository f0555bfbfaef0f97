"""A journal on a dying card: what is intact comes over, nothing is used twice, nobody crashes."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import aiosqlite
import pytest

from edge.core.messages import IdTagInfo
from edge.core.records import (
    Alive,
    ConfigurationChanged,
    DamageAccepted,
    DamageTold,
    ListChanged,
    ListedTag,
    Parked,
    Record,
    TagCached,
)
from edge.core.saved import Damage, Saved
from edge.core.vocabulary import AuthorizationStatus
from edge.drivers.journal import open_journal
from edge.drivers.journal.salvage import JUMP
from tests.crash.histories import STORIES, play
from tests.crash.test_memory import Copying
from tests.drivers.test_journal import at, kept, opened, queued, samples, start_message

PAGE = 1024
LEAF = 13  # of a table
ACCEPTED = IdTagInfo(status=AuthorizationStatus.ACCEPTED)
MADE_ANEW = ("counters", "damages")

Tables = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with a played history and a long queue, tables of several pages each."""
    path = tmp_path_factory.mktemp("played") / "journal.sqlite3"
    play(STORIES["reserved and listed"], make=Copying)
    batches: list[Sequence[Record]] = [*Copying.batches]
    first = 1000
    for ref in range(first, first + 60):
        batches.append([opened(ref), queued(10 * ref, start_message(), ref=ref)])
        batches.append([queued(10 * ref + k, samples(), ref=ref) for k in range(1, 6)])
        batches.append([Parked(seq=10 * ref + 5, at=at(9), code="X", description="y" * 90)])
    batches.append([ConfigurationChanged(key=f"Key{n}", value="v" * 90) for n in range(200)])
    batches.append([TagCached(id_tag=f"t{n}", info=ACCEPTED, at=at(1)) for n in range(200)])
    tags = tuple(ListedTag(id_tag=f"l{n}", info=ACCEPTED) for n in range(200))
    batches.append([ListChanged(version=7, anew=True, entries=tags)])

    async def write() -> None:
        async with open_journal(path) as journal:
            for batch in batches:
                await journal.commit(batch)

    asyncio.run(write())
    return path


def tables_of(path: Path) -> Tables:
    with closing(sqlite3.connect(path)) as file:
        sql = "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE TABLE%'"
        names = [row[0] for row in file.execute(sql)]
        return {name: file.execute(f"SELECT * FROM {name}").fetchall() for name in names}


def owners(path: Path) -> dict[int, str]:
    """Which table each page belongs to, its indexes included; by the file format, section 1.6."""
    content = path.read_bytes()
    with closing(sqlite3.connect(path)) as file:
        roots = file.execute("SELECT tbl_name, rootpage FROM sqlite_schema").fetchall()
    found: dict[int, str] = {}
    todo = [("schema", 1), *roots]
    while todo:
        table, page = todo.pop()
        found[page] = table
        begin = (page - 1) * PAGE
        head = begin + (100 if page == 1 else 0)
        if content[head] not in (2, 5):  # interior
            continue
        cells = int.from_bytes(content[head + 3 : head + 5], "big")
        todo.append((table, int.from_bytes(content[head + 8 : head + 12], "big")))
        for cell in range(cells):
            at_byte = head + 12 + 2 * cell
            offset = begin + int.from_bytes(content[at_byte : at_byte + 2], "big")
            todo.append((table, int.from_bytes(content[offset : offset + 4], "big")))
    return found


def overwritten(path: Path, offset: int, noise: bytes) -> bytes:
    """Write *noise* into the file; all that is in it then."""
    content = bytearray(path.read_bytes())
    content[offset : offset + len(noise)] = noise
    path.write_bytes(content)
    return bytes(content)


async def mended(path: Path) -> Saved:
    """What a daemon finds, the second one too."""
    async with open_journal(path) as journal:
        saved = await journal.load()
    async with open_journal(path) as journal:
        assert await journal.load() == saved
    return saved


def judge(before: Tables, path: Path, saved: Saved, hurt: set[str]) -> None:
    """Each row of a table that was not *hurt* is there, and no row is there that never was."""
    after = tables_of(path)
    damage = saved.damage
    assert damage is not None
    for table in before:
        if table in MADE_ANEW:
            continue
        rows, found = before[table], after[table]
        if table == "outbox" and "transactions" in hurt:  # a session with a stand-in has new ids
            rows, found = ([(*row[:2], *row[3:]) for row in one] for one in (rows, found))
        if table not in hurt:
            assert set(rows) <= set(found), f"{table} is intact, and not whole"
            assert table not in damage.broken
        if table not in ("transactions", "boots"):  # where what is missing has stand-ins
            assert set(found) <= set(rows), f"{table} has a row that never was"
        if set(rows) - set(found):
            assert table in damage.broken, f"rows of {table} are missing and nobody says so"
    refs = [row[0] for row in before["transactions"]]
    seqs = [row[0] for table in ("outbox", "dead_letters") for row in before[table]]
    assert saved.last_ref > max(refs)
    assert saved.last_seq > max(seqs)
    ids = [row[2] for row in after["outbox"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("seed", range(40))
async def test_intact_rows_come_over_and_no_number_is_used_twice(
    seed: int, played: Path, tmp_path: Path
) -> None:
    """One to four pages overwritten anywhere, with noise, nothing, or another page."""
    chance = Random(seed)
    path = tmp_path / "journal.sqlite3"
    shutil.copyfile(played, path)
    before, belongs = tables_of(path), owners(path)
    content = bytearray(path.read_bytes())
    pages = chance.sample(sorted(belongs), chance.randint(1, 4))
    for page in pages:
        place = slice((page - 1) * PAGE, page * PAGE)
        other = chance.choice(sorted(belongs)) - 1
        content[place] = chance.choice(
            (chance.randbytes(PAGE), bytes(PAGE), b"\xff" * PAGE, content[other * PAGE :][:PAGE])
        )
    path.write_bytes(content)
    saved = await mended(path)
    hurt = {belongs[page] for page in pages}
    if saved.damage is None:
        return  # a page became one like it: nothing that quick_check can see
    judge(before, path, saved, set(before) if "schema" in hurt else hurt)


@pytest.mark.parametrize("seed", range(40))
async def test_bits_that_flip_unseen_crash_nobody(seed: int, played: Path, tmp_path: Path) -> None:
    """SQLite keeps no checksum of what is in a page: a row that means nothing is damage too."""
    chance = Random(seed)
    path = tmp_path / "journal.sqlite3"
    shutil.copyfile(played, path)
    size = max(owners(played)) * PAGE
    for _ in range(chance.choice((1, 5, 40))):
        place = chance.randrange(size)
        overwritten(path, place, chance.randbytes(chance.choice((1, 2, 8))))
    await mended(path)
    async with open_journal(path) as journal:
        await journal.read_outbox(0, 100_000)
        await journal.dead_letters()
        await journal.security_log()
        await journal.commit([Alive(at=at(99))])


@pytest.mark.parametrize("length", [16, 100, PAGE])
async def test_a_spoilt_beginning_costs_nothing(length: int, played: Path, tmp_path: Path) -> None:
    """Page 1 says what the file is and where its tables are: both are known from a new one."""
    path = tmp_path / "journal.sqlite3"
    shutil.copyfile(played, path)
    content = overwritten(path, 0, b"\xa5" * length)
    before = tables_of(played)
    saved = await mended(path)
    judge(before, path, saved, set())
    assert saved.list_version == 7
    assert path.with_name("journal.sqlite3.damaged-1").read_bytes() == content


async def test_bad_pages_cost_the_rows_on_them_and_no_others(played: Path, tmp_path: Path) -> None:
    """From both ends, and between two bad pages too."""
    path = tmp_path / "journal.sqlite3"
    shutil.copyfile(played, path)
    content = path.read_bytes()
    pages = [page for page, table in owners(path).items() if table == "outbox"]
    leaves = sorted(page for page in pages if content[(page - 1) * PAGE] == LEAF)
    before = [row[0] for row in tables_of(path)["outbox"]]
    bad = leaves[len(leaves) // 4], leaves[3 * len(leaves) // 4]
    heads = [content[(page - 1) * PAGE :][3:5] for page in bad]
    on_them = sum(int.from_bytes(head, "big") for head in heads)
    for page in bad:
        overwritten(path, (page - 1) * PAGE, b"\xff" * PAGE)
    damage = (await mended(path)).damage
    assert damage is not None
    assert damage.broken == ("outbox",)
    after = {row[0] for row in tables_of(path)["outbox"]}
    assert len(leaves) > 8
    assert 0 < len([seq for seq in before if seq not in after]) == on_them


async def test_half_a_list_is_none(played: Path, tmp_path: Path) -> None:
    """5.15: a differential update on top of it would be wrong; version 0 asks for all of it."""
    path = tmp_path / "journal.sqlite3"
    belongs = owners(played)
    page = max(page for page, table in belongs.items() if table == "local_list")
    shutil.copyfile(played, path)
    overwritten(path, (page - 1) * PAGE, b"\xff" * PAGE)
    saved = await mended(path)
    assert (saved.list_version, saved.local_list) == (0, ())
    assert saved.damage is not None
    assert saved.damage.broken == ("local_list",)


async def test_a_session_whose_record_is_lost_is_told_still(tmp_path: Path) -> None:
    """Its messages wait; they keep their places, and one that is over stands in for it."""
    path = tmp_path / "journal.sqlite3"
    await kept(path, [opened(7), queued(3, start_message(), ref=7), queued(4, samples(), ref=7)])
    (page,) = (page for page, table in owners(path).items() if table == "transactions")
    overwritten(path, (page - 1) * PAGE, b"\xff" * PAGE)
    saved = await mended(path)
    assert [one.seq for one in saved.outbox] == [3, 4]
    (session,) = saved.transactions
    assert (session.opened.ref, session.opened.begin_wh) == (7, start_message().meter_start)
    assert session.stopped is not None
    assert (saved.last_ref, saved.last_seq) == (7 + JUMP, 4 + JUMP)


@pytest.mark.parametrize("seed", range(12))
async def test_a_spoilt_log_costs_no_more_than_what_was_in_it(
    seed: int, played: Path, tmp_path: Path
) -> None:
    """The WAL of a killed process, overwritten anywhere: an older state, sound, no crash."""
    chance = Random(seed)
    path = tmp_path / "journal.sqlite3"
    source = tmp_path / "source"
    source.mkdir()
    shutil.copyfile(played, source / path.name)
    async with open_journal(source / path.name) as journal:
        for number in range(1, 9):
            await journal.commit([ConfigurationChanged(key="Key", value=str(number))])
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{source / path.name}{suffix}", f"{path}{suffix}")
    spoil(Path(f"{path}-wal"), chance)
    saved = await mended(path)
    told = {one.key: one.value for one in saved.configuration}.get("Key", "0")
    assert 0 <= int(told) <= 8
    assert saved.last_ref >= 1059


def spoil(log: Path, chance: Random) -> None:
    content = bytearray(log.read_bytes())
    begin = chance.randrange(len(content))
    content[begin : begin + chance.choice((1, 32, 5000))] = chance.randbytes(5000)
    log.write_bytes(content)


async def test_a_page_that_the_card_gives_no_more_is_damage_too(
    played: Path, tmp_path: Path
) -> None:
    """Issue 4.8, EIO: the station starts, with all that can still be read."""
    path = tmp_path / "journal.sqlite3"
    shutil.copyfile(played, path)
    failing = iter([True, False, False])

    class Unreadable(sqlite3.OperationalError):
        sqlite_errorcode = sqlite3.SQLITE_IOERR_READ

    def opener(place: Path) -> Awaitable[aiosqlite.Connection]:
        if next(failing):
            raise Unreadable("disk I/O error")
        return aiosqlite.connect(place, isolation_level=None)

    async with open_journal(path, open_database=opener) as journal:
        damage = (await journal.load()).damage
    assert damage is not None
    assert damage.broken == ()
    assert damage.rows > 1000


async def test_the_damage_is_kept_until_somebody_accepts_it(tmp_path: Path) -> None:
    """Over restarts; then it is no more."""
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(b"nothing of use")
    first = (await mended(path)).damage
    assert isinstance(first, Damage)
    told = (await kept(path, [DamageTold()])).damage
    assert told is not None
    assert told.told
    assert (await kept(path, [DamageAccepted()])).damage is None


async def test_a_cut_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    """The mended journal is complete before the damaged one is moved away."""
    path = tmp_path / "journal.sqlite3"
    await kept(path, [opened(5)])
    path.rename(tmp_path / "journal.sqlite3.mended")
    assert (await kept(path)).last_ref == 5


async def test_a_cut_between_them_leaves_no_wal_to_another_file(tmp_path: Path) -> None:
    """A WAL is replayed into whatever has its name: it follows the journal that it belongs to."""
    path = tmp_path / "journal.sqlite3"
    await kept(path, [opened(5)])
    path.rename(tmp_path / "journal.sqlite3.mended")
    (tmp_path / "journal.sqlite3.damaged-1").write_bytes(b"the damaged one")
    (tmp_path / "journal.sqlite3-wal").write_bytes(b"and its WAL")
    assert (await kept(path)).last_ref == 5
    assert (tmp_path / "journal.sqlite3.damaged-1-wal").read_bytes() == b"and its WAL"


async def test_a_cut_before_them_begins_again(tmp_path: Path) -> None:
    """What was half made is made anew from the damaged one."""
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(b"nothing of use")
    (tmp_path / "journal.sqlite3.mended").write_bytes(b"half")
    (tmp_path / "journal.sqlite3.mended-wal").write_bytes(b"half")
    assert (await mended(path)).damage is not None
    assert not (tmp_path / "journal.sqlite3.mended").exists()

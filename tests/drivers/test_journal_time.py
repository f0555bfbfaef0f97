"""What the journal knows of time: anchors, signs of life, and rows from before it kept either."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import pytest

from edge.core.anchors import Anchor
from edge.core.instant import Instant
from edge.core.messages import MeterValues, StartTransaction, StopTransaction
from edge.core.records import Alive, BootStarted, Record, TransactionOpened
from edge.drivers import journal
from edge.drivers.journal import open_journal
from edge.drivers.journal.statements import KEPT_BOOTS

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD = "2026-02-01T10:00:00Z"
WHOLE = {"wall": OLD, "monotonic": 5.0, "trusted": True}


def at(seconds: float, *, boot: int = 0, trusted: bool = True) -> Instant:
    wall = NOON + timedelta(seconds=seconds)
    return Instant(wall=wall, monotonic=seconds, boot=boot, trusted=trusted)


def opened(ref: int, began: Instant, connector: int = 1) -> TransactionOpened:
    return TransactionOpened(ref=ref, connector=connector, id_tag="A", begin_wh=1, at=began)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


async def test_an_anchor_is_written_once(path: Path) -> None:
    """I4: what it dated may have been sent."""
    first = Anchor(boot=1, zero=NOON, certain=False)
    async with open_journal(path) as store:
        await store.commit([first])
        await store.commit([Anchor(boot=1, zero=NOON + timedelta(hours=1))])
        assert (await store.load()).anchors == (first,)


async def test_each_boot_has_its_last_sign_of_life(path: Path) -> None:
    """Ruling 4: a later boot's signs are none of an earlier one's sessions."""
    rows: list[Record] = [
        Alive(at=at(5)),
        Alive(at=at(9)),
        Alive(at=at(7)),
        Alive(at=at(2, boot=1)),
    ]
    async with open_journal(path) as store:
        await store.commit(rows)
        assert (await store.load()).lives == (at(9), at(2, boot=1))


async def test_the_last_beginning_of_each_connector_is_known(path: Path) -> None:
    """Ruling 7(d): over restarts, whether the session is settled or not."""
    async with open_journal(path) as store:
        await store.commit([opened(1, at(1)), opened(2, at(2), 2), opened(3, at(3))])
        assert (await store.load()).last_starts == {1: at(3), 2: at(2)}


async def test_boots_are_forgotten_in_the_end(path: Path) -> None:
    """Bounded: one row per kernel boot, for so many of them."""
    async with open_journal(path) as store:
        for boot in range(KEPT_BOOTS + 3):
            moment = at(1, boot=boot)
            started = BootStarted(at=moment, kernel_boot=str(boot), boot=boot)
            await store.commit([Anchor(boot=boot, zero=NOON), started])
        saved = await store.load()
    assert len(saved.lives) == len(saved.anchors) == KEPT_BOOTS
    assert saved.last_boot is not None
    assert saved.last_boot.boot == KEPT_BOOTS + 2


async def test_sessions_at_a_guessed_time_are_listed(path: Path) -> None:
    """Delivery 2.4: marked locally, also when they are settled."""
    loose = at(1, trusted=False)
    async with open_journal(path) as store:
        await store.commit(
            [
                opened(1, loose),
                opened(2, replace(loose, boot=1)),
                opened(3, replace(loose, boot=2)),
                opened(4, at(9, boot=2)),
                Anchor(boot=0, zero=NOON),
                Anchor(boot=1, zero=NOON, certain=False),
            ]
        )
        assert [row.ref for row in await store.guessed()] == [3, 2]


async def test_a_journal_from_before_goes_on(path: Path) -> None:
    """What waits in it goes out with the times it has."""
    _write_as_before(path)
    async with open_journal(path) as store:
        saved = await store.load()
        (letter,) = await store.dead_letters()
    started = Instant(wall=datetime(2026, 2, 1, 10, tzinfo=UTC), monotonic=0.0)
    start, sample, stop = (row.message for row in saved.outbox)
    assert isinstance(start, StartTransaction)
    assert isinstance(sample, MeterValues)
    assert isinstance(stop, StopTransaction)
    assert start.timestamp == stop.timestamp == started
    assert [value.timestamp for value in sample.meter_value] == [started]
    assert [value.timestamp for value in stop.transaction_data] == [started, started]
    assert letter.queued.message == start
    assert [life.monotonic for life in saved.lives] == [5.0]
    assert saved.last_boot is not None
    assert saved.last_boot.boot == 0


def _write_as_before(path: Path) -> None:
    scripts = [*takewhile(lambda script: "TABLE lives" not in script, journal._migrations())]
    value = {"timestamp": OLD, "sampled_value": [{"value": "1"}]}
    start = {"connector_id": 1, "id_tag": "A", "meter_start": 1, "timestamp": OLD}
    sample = {"connector_id": 1, "meter_value": [value]}
    stop = {
        "transaction_id": None,
        "meter_stop": 2,
        "timestamp": OLD,
        "reason": "Local",
        "transaction_data": [value, value],
    }
    whole = json.dumps(WHOLE)
    with sqlite3.connect(path) as database:
        for script in scripts:
            database.executescript(script)
        put = "INSERT INTO outbox VALUES (?, NULL, ?, ?, ?, ?, 0)"
        for seq, message in enumerate((start, sample, stop), start=1):
            kind = ("StartTransaction", "MeterValues", "StopTransaction")[seq - 1]
            database.execute(put, (seq, f"m-{seq}", kind, json.dumps(message), whole))
        database.execute(
            "INSERT INTO dead_letters SELECT 9, ref, 'm-9', kind, payload, at, 3, at, 'X', ''"
            " FROM outbox WHERE seq = 1"
        )
        database.execute("INSERT INTO alive VALUES (1, ?)", (whole,))
        database.execute("INSERT INTO boots (kernel_boot, at) VALUES ('k', ?)", (whole,))
        database.execute(f"PRAGMA user_version = {len(scripts)}")

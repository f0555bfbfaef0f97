"""What `scripts/bench drain` counts with: a backlog, a tap, and an oracle that can fail."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, delete, insert, select
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from csms_lite.store.tables import events, metadata, samples, sessions, stations
from edge.core.messages import StartTransaction, StopTransaction
from edge.drivers.journal import open_journal
from scripts.benches.parts import backlog
from scripts.benches.parts.backlog import Session, held, write_journal
from scripts.benches.parts.wiretap import wiretap

STATION = {"station_id": 1, "identity": "CP", "code": "c", "name": "n", "registration": "Accepted"}


@pytest.mark.parametrize("messages", [12, 13, 500, 10_000])
def test_a_backlog_has_as_many_messages_as_asked_for(messages: int) -> None:
    """Whole sessions, each with samples, side by side on two connectors."""
    waiting = backlog.sessions(messages, Random(1))
    assert sum(len(list(one.messages)) for one in waiting) == messages
    assert all(len(one.readings) >= backlog.FEWEST for one in waiting)
    facts = Counter(fact for one in waiting for fact in one.facts)
    assert (facts.total(), max(facts.values())) == (messages, 1)


async def test_the_journal_holds_it_in_the_order_of_time(tmp_path: Path) -> None:
    """As an outage leaves it: every message waits, nothing is open."""
    waiting = backlog.sessions(400, Random(2))
    await write_journal(tmp_path / "journal.sqlite3", waiting)
    async with open_journal(tmp_path / "journal.sqlite3") as journal:
        saved = await journal.load()
        queued = await journal.read_outbox(0, 1000)
    assert (saved.outbox_count, saved.last_seq, len(queued)) == (400, 400, 400)
    assert all(one.stopped is not None for one in saved.transactions)
    moments = [one.at.wall for one in queued]
    assert moments == sorted(moments)
    kinds = Counter(type(one.message) for one in queued)
    assert kinds[StartTransaction] == kinds[StopTransaction] == len(waiting)


def store(path: Path, waiting: list[Session], spoil: Callable[[Connection], Any]) -> Counter[Any]:
    """What the oracle finds where *waiting* was told, and then spoilt."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as db:
        metadata.create_all(db)
        db.execute(insert(stations).values(**STATION, connection=1, created_at_ms=0))
        for number, one in enumerate(waiting, start=1):
            facts = list(one.facts)
            start, stop = facts[0], facts[-1]
            name = dict(
                zip(
                    ("connector", "id_tag", "started_at_ms", "meter_start_wh"),
                    start[1:],
                    strict=True,
                )
            )
            ended = dict(
                zip(("stopped_at_ms", "meter_stop_wh", "stop_reason"), stop[5:], strict=True)
            )
            row = {"station_id": 1, "verdict": "Accepted", "state": "closed", "message_id": "m"}
            db.execute(insert(sessions).values(**row, **name, **ended, received_at_ms=0))
            for sample in facts[1:-1]:
                db.execute(
                    insert(samples).values(
                        station_id=1,
                        connector=one.connector,
                        transaction_id=number,
                        at_ms=sample[5],
                        energy_wh=sample[6],
                        values_json="[]",
                        fingerprint=0,
                    )
                )
        spoil(db)
    engine.dispose()
    return held(path, "CP")


def _take_a_sample(db: Connection) -> None:
    db.execute(delete(samples).where(samples.c.sample_id == 5))


def _repeat_a_sample(db: Connection) -> None:
    row = db.execute(select(samples).where(samples.c.sample_id == 5)).mappings().one()
    db.execute(insert(samples).values({**row, "sample_id": None}))


def _reopen_a_session(db: Connection) -> None:
    db.execute(sessions.update().values(stopped_at_ms=None).where(sessions.c.transaction_id == 1))


def _bill_another_end(db: Connection) -> None:
    db.execute(sessions.update().values(meter_stop_wh=7).where(sessions.c.transaction_id == 1))


def _note_a_conflict(db: Connection) -> None:
    note = {"kind": "conflict_stop_differs", "details_json": "{}", "at_ms": 0}
    db.execute(insert(events).values(station_id=1, **note))


@pytest.mark.parametrize(
    ("spoil", "lost", "twice"),
    [
        (lambda _: None, 0, 0),
        (_take_a_sample, 1, 0),
        (_repeat_a_sample, 0, 1),
        (_reopen_a_session, 1, 0),
        (_bill_another_end, 1, 1),
        (_note_a_conflict, 0, 1),
    ],
    ids=["sound", "sample lost", "sample twice", "stop lost", "stop differs", "conflict"],
)
def test_the_oracle_finds_what_is_lost_and_what_is_there_twice(
    tmp_path: Path, spoil: Callable[[Connection], Any], lost: int, twice: int
) -> None:
    """A count of nothing lost is worth as much as what it would have noticed."""
    waiting = backlog.sessions(60, Random(3))
    expected = Counter(fact for one in waiting for fact in one.facts)
    found = store(tmp_path / "csms.db", waiting, spoil)
    assert ((expected - found).total(), (found - expected).total()) == (lost, twice)


async def test_the_tap_tells_resends_by_their_id(tmp_path: Path) -> None:
    """Frames of each length; the same message with its id is one thing, with another id another."""
    heard: list[str | bytes] = []

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            heard.append(message)
            await connection.send("ok")

    async with serve(echo, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with wiretap(f"ws://127.0.0.1:{port}/ocpp") as tap:
            counts: list[int] = []
            tap.passed = counts.append
            sent = [
                [2, "a", "MeterValues", {"connectorId": 1}],
                [2, "h", "Heartbeat", {}],
                [2, "b", "MeterValues", {"text": "x" * 300}],
                [2, "c", "StopTransaction", {"text": "y" * 70_000}],
                [2, "c", "StopTransaction", {"text": "y" * 70_000}],
                [2, "d", "MeterValues", {"connectorId": 1}],
                [2, "a", "MeterValues", {"connectorId": 2}],
            ]
            async with connect(tap.url, compression=None) as line:
                for frame in sent:
                    await line.send(json.dumps(frame))
                    assert await asyncio.wait_for(line.recv(), 5) == "ok"
    assert [json.loads(one) for one in heard] == sent
    assert (tap.resent_same_id, tap.resent_new_id) == (1, 2)
    assert counts == [1, 2, 3, 3, 3, 4]

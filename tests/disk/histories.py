"""Lives worth cutting: a day with every kind of commit, a full WAL, older versions, random ones."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Final

from edge.core.records import Record
from edge.drivers import journal
from tests.disk.commits import KINDS
from tests.disk.connection import Connection, as_told
from tests.disk.disk import Disk
from tests.disk.recording import NAME, Recording, Span, State, record
from tests.disk.trial import judge
from tests.disk.vfs import SIMULATED

DAY: Final = (
    *("boot", "open", "sample", "acknowledge", "sample", "refuse", "open", "sample"),
    *("job", "job", "job", *16 * ("security",), "certificates", "certificates", "certificates"),
    *("certificates", *8 * ("list",), *4 * ("settings",), *3 * ("sample",), "thin"),
    *("refuse", "refuse", "refuse", "acknowledge", "stop", "prune"),
)
"""Every kind, each where there is something for it to do."""

COMMITS: Final = range(4, 24)
"""How many a random life has."""
ENDED_BY_A_CUT: Final = 0.7


async def day() -> Recording:
    """From an empty disk, through `DAY`, to a stop in order."""
    return await record(Disk(), DAY, Random(1))


async def full_wal(random: Random) -> tuple[Recording, Sequence[Span]]:
    """So many readings that SQLite writes the WAL back by itself and begins it anew.

    With the commit that does so, the one before it and three that follow.
    """
    kinds = ["boot", "open", "open", *260 * ("sample",), "acknowledge", "stop"]
    life = await record(Disk(), kinds, random)
    database = 0  # the file that is made first
    written_back = next(
        at
        for at, span in enumerate(life.spans)
        if span.kind == "sample" and ("sync", (database,)) in life.log[span.begin : span.end]
    )
    return life, life.spans[written_back - 1 : written_back + 4]


async def lives(seed: int, count: int) -> AsyncIterator[Recording]:
    """*count* random lives, one after another on one disk.

    Most are ended by a cut, so that the power also goes while SQLite recovers and while it goes on
    with what it recovered; the others in order, with what that leaves unsynced.
    """
    random = Random(seed)
    disk = Disk()
    records: Sequence[Record] = ()
    past: Sequence[State] = ()
    for _ in range(count):
        kinds = random.choices(sorted(KINDS), k=random.choice(COMMITS))
        begun = ("boot", "open", *kinds)
        life = await record(disk, begun, random, records=records, past=past)
        yield life
        past = [*life.past, *life.states]
        if random.random() < ENDED_BY_A_CUT:
            disk, records = await _cut_somewhere(life, random)
        else:
            records = life.records


async def _cut_somewhere(life: Recording, random: Random) -> tuple[Disk, Sequence[Record]]:
    """The disk after a cut in *life*, with what is found on it."""
    target = random.randrange(len(life.log) + 1)
    for span, point, disk in life.points(life.spans):
        if point == target:
            fate = random.randrange(2**32)
            allowed = span.allowed(point)
            verdict = await judge(disk.cut(fate), life, allowed)
            state = life.states[allowed[0] if verdict.state is None else verdict.state]
            return disk.cut(fate), life.records[: state.committed]
    raise AssertionError("the target is a point of the life")


def versions() -> range:
    """The shapes that a journal had before the one of today."""
    return range(1, len(journal._migrations()))


def old_disk(version: int) -> Disk:
    """A disk as *version* left it when its power went: all in the WAL, a row in every old table."""
    disk = Disk()
    with SIMULATED.mounted(disk) as directory:
        disk.create(NAME)
        connection = Connection(directory / NAME, as_told)
        for pragma in journal.PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        scripts = journal._migrations()[:version]
        for script in scripts:
            connection.executescript(f"BEGIN;\n{script}\nCOMMIT;")
        connection.execute("BEGIN")
        for sql in _rows("\n".join(scripts)):
            connection.execute(sql)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
        found = disk.cut(1)
        connection.close()
    return found


OLD: Final = "2026-02-01T10:00:00Z"
WHOLE: Final = {"wall": OLD, "monotonic": 5.0, "trusted": True}


def _rows(schema: str) -> Sequence[str]:
    """Statements that fill the tables of the first version, as *schema* has them by now."""
    knows_boots = "TABLE lives" in schema
    latch = "'welded', " if "TABLE latched" in schema else ""
    stamp = WHOLE if knows_boots else OLD
    whole = json.dumps(WHOLE)
    value = {"timestamp": stamp, "sampled_value": [{"value": "1"}]}
    stop = {"transaction_id": None, "meter_stop": 2, "timestamp": stamp, "reason": "Local"}
    messages = {
        "StartTransaction": {
            "connector_id": 1,
            "id_tag": "A",
            "meter_start": 1,
            "timestamp": stamp,
        },
        "MeterValues": {"connector_id": 1, "meter_value": 2 * [value]},
        "StopTransaction": stop | {"transaction_data": 10 * [value]},
    }
    return (
        *(
            "INSERT INTO transactions (ref, connector, id_tag, begin_wh, opened_at, stopped_at)"
            f" VALUES ({ref}, {ref % 2}, 'A', 1, '{whole}', '{whole}')"
            for ref in range(1, 6)
        ),
        *(
            "INSERT INTO outbox (seq, ref, message_id, kind, payload, at, attempts)"
            f" VALUES ({3 * ref + place}, {ref}, 'm-{ref}-{place}', '{kind}',"
            f" '{json.dumps(message)}', '{whole}', 0)"
            for ref in range(1, 6)
            for place, (kind, message) in enumerate(messages.items())
        ),
        (
            "INSERT INTO dead_letters (seq, ref, message_id, kind, payload, at, attempts,"
            " parked_at, code, description)"
            " SELECT 9 + seq, ref, 'd', kind, payload, at, 3, at, 'X', '' FROM outbox WHERE seq < 9"
        ),
        f"INSERT INTO boots (id, kernel_boot, at) VALUES (1, 'k', '{whole}')",
        f"INSERT INTO {'lives VALUES (0, 5.0,' if knows_boots else 'alive VALUES (1,'} '{whole}')",
        f"INSERT INTO resets VALUES (1, 'Soft', '{whole}', NULL)",
        f"INSERT INTO cache VALUES (1, 'a', '{{\"status\": \"Accepted\"}}', '{whole}')",
        "INSERT INTO configuration VALUES ('HeartbeatInterval', '10')",
        "INSERT INTO availability VALUES (1, 'Inoperative')",
        f"INSERT INTO faults VALUES (1, {latch}'OtherError', '')",
        "UPDATE counters SET value = 99",
    )

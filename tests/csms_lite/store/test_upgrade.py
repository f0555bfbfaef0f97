"""A database of the first version keeps its rows, its numbers and its indices."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from csms_lite.clock import SystemClock
from csms_lite.sessions.measures import read_sample
from csms_lite.sessions.sampling import Measured, keep_samples
from csms_lite.sessions.service import session
from csms_lite.store.migrate import MIGRATIONS
from csms_lite.store.thread import open_database
from csms_lite.store.writer import open_store

ROWS = """
INSERT INTO stations (station_id, identity, code, name, registration, connection, created_at_ms)
VALUES (1, 'CP-1', 'CODE', 'Court', 'Accepted', 1, 0);
INSERT INTO sessions (transaction_id, station_id, connector, id_tag, verdict, state, message_id,
    meter_start_wh, started_at_ms, received_at_ms)
VALUES (41, 1, 1, 'CARD1', 'Accepted', 'running', 'm', 1000, 5, 6);
DELETE FROM sessions;
INSERT INTO sessions (transaction_id, station_id, connector, id_tag, verdict, state, message_id,
    meter_start_wh, started_at_ms, received_at_ms)
VALUES (7, 1, 1, 'CARD1', 'Accepted', 'running', 'm', 1000, 5, 6);
INSERT INTO samples (station_id, connector, transaction_id, at_ms, energy_wh, power_w, values_json)
VALUES (1, 1, 7, 60000, 1500, NULL, '[{"value":"1500","context":"Sample.Periodic","unit":"Wh"}]');
CREATE INDEX ix_of_an_expression ON sessions (upper(id_tag));
"""


def first_version(path: Path) -> None:
    """Make a database as 0001 left it, with a session."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0001")
    engine.dispose()
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(ROWS)


async def test_sessions_survive_the_new_table(tmp_path: Path) -> None:
    """Nothing of a running session is lost when its table is made anew."""
    path = tmp_path / "csms.db"
    first_version(path)
    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        known = await store.read(session, 7)
    assert (known.charger, known.state, known.meter_start_wh) == ("CP-1", "running", 1000)
    assert (known.user_id, known.problem, known.closed_at_ms) == (None, None, None)


async def test_a_sample_told_before_the_upgrade_is_known_after_it(tmp_path: Path) -> None:
    """The answer was lost, then the central system was brought up to date: it is told again."""
    path = tmp_path / "csms.db"
    first_version(path)
    value = {"value": "1500", "context": "Sample.Periodic", "unit": "Wh"}
    told, next_one = (Measured(1, 1, 7, [read_sample(at, [value])], 0) for at in (60_000, 120_000))
    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        assert list(await store.do(keep_samples, [told, next_one])) == [1]


async def test_numbers_do_not_come_twice_after_the_new_table(tmp_path: Path) -> None:
    """A station may still tell of the number of a row that is gone (complaint 8)."""
    path = tmp_path / "csms.db"
    first_version(path)
    async with open_store(path, clock=SystemClock(), open_database=open_database):
        pass
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(
            "INSERT INTO sessions (station_id, connector, id_tag, verdict, state, started_at_ms,"
            " received_at_ms) VALUES (1, 1, 'CARD1', 'Accepted', 'pending', 5, 6)"
        )
        assert raw.execute("SELECT max(transaction_id) FROM sessions").fetchone()[0] > 41


async def test_indices_on_expressions_survive_the_new_table(tmp_path: Path) -> None:
    """Alembic cannot see them, and a table made anew would lose them without a word."""
    path = tmp_path / "csms.db"
    first_version(path)
    async with open_store(path, clock=SystemClock(), open_database=open_database):
        pass
    with closing(sqlite3.connect(path)) as raw:
        found = raw.execute("SELECT name FROM sqlite_master WHERE name = 'ix_of_an_expression'")
        assert found.fetchall() == [("ix_of_an_expression",)]

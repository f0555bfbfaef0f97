"""Bring a database to the newest schema, in the writer's thread, before anyone else may use it."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from csms_lite.store.thread import raw_of

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def migrate(db: Connection) -> None:
    """Run every migration that this database has not seen, all in one transaction.

    Triggers go before it: SQLite renames no table under one that reads it. Who has some sets
    them again at the start.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = db
    raw = raw_of(db)
    raw.execute("BEGIN IMMEDIATE")
    try:
        if not _is_newest(db, config):
            _drop_triggers(raw)
        command.upgrade(config, "head")
        if raw.in_transaction:
            raw.execute("COMMIT")
    finally:
        raw.rollback()
        db.rollback()


def _is_newest(db: Connection, config: Config) -> bool:
    heads = ScriptDirectory.from_config(config).get_heads()
    return set(MigrationContext.configure(db).get_current_heads()) == set(heads)


def _drop_triggers(raw: sqlite3.Connection) -> None:
    found = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in found:
        raw.execute(f'DROP TRIGGER "{name}"')

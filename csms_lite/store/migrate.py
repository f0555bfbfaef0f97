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
    config = _config()
    config.attributes["connection"] = db
    raw = raw_of(db)
    raw.execute("BEGIN IMMEDIATE")
    try:
        if set(MigrationContext.configure(db).get_current_heads()) != newest_versions():
            _drop_triggers(raw)
        command.upgrade(config, "head")
        if raw.in_transaction:
            raw.execute("COMMIT")
    finally:
        raw.rollback()
        db.rollback()


def newest_versions() -> set[str]:
    """Give the names under which a database of this version is stamped."""
    return set(ScriptDirectory.from_config(_config()).get_heads())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _drop_triggers(raw: sqlite3.Connection) -> None:
    found = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in found:
        raw.execute(f'DROP TRIGGER "{name}"')

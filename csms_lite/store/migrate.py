"""Bring a database to the newest schema, in the writer's thread, before anyone else may use it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from csms_lite.store.thread import raw_of

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def migrate(db: Connection) -> None:
    """Run every migration that this database has not seen, all in one transaction."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = db
    raw = raw_of(db)
    raw.execute("BEGIN IMMEDIATE")
    try:
        command.upgrade(config, "head")
        if raw.in_transaction:
            raw.execute("COMMIT")
    finally:
        raw.rollback()
        db.rollback()

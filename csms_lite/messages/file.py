"""The log's own file: opened, its tables made, set aside when it is broken.

A power cut may cost its last second (`synchronous = NORMAL`), never the file. Nothing in it is
needed to charge or to bill, so a file that cannot be read must not keep the chargers out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Connection

from csms_lite.clock import Clock
from csms_lite.errors import StoreFailed
from csms_lite.store.tables import log_metadata
from csms_lite.store.thread import OpenDatabase, raw_of
from csms_lite.store.writer import Store, open_store

NAME: Final = "messages.db"
VERSION: Final = 1
"""Of the tables, in SQLite's `user_version`; the log has no migrations, only beginnings."""
VERB_BUDGET_S: Final = 1.0  # thousands of rows at once; nobody at a station waits for them
BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

log = structlog.get_logger(__name__)


def prepare(db: Connection) -> None:
    """Make the tables in a new file; raises `sqlite3.DatabaseError` for one of another version."""
    raw = raw_of(db)
    raw.execute("PRAGMA synchronous = NORMAL")
    raw.execute("BEGIN IMMEDIATE")
    try:
        (found,) = raw.execute("PRAGMA user_version").fetchone()
        if found not in {0, VERSION}:
            raise sqlite3.DatabaseError(
                f"its version is {found}, not {VERSION}: move it away, a new one is begun"
            )
        log_metadata.create_all(db)
        raw.execute(f"PRAGMA user_version = {VERSION}")
        if raw.in_transaction:
            raw.execute("COMMIT")
    finally:
        raw.rollback()
        db.rollback()


@asynccontextmanager
async def open_log(
    state_dir: Path, *, clock: Clock, open_database: OpenDatabase
) -> AsyncIterator[Store]:
    """Open the log in *state_dir*; a broken one is set aside and a new one begun."""
    path = state_dir / NAME
    opened = partial(
        open_store,
        path,
        clock=clock,
        open_database=open_database,
        verb_budget_s=VERB_BUDGET_S,
        prepare=prepare,
    )
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(opened())
        except StoreFailed as failure:
            if not _is_broken(failure):
                raise
            log.warning("log_set_aside", error=str(failure), now=str(_set_aside(path, clock)))
            store = await stack.enter_async_context(opened())
        yield store


def _is_broken(failure: StoreFailed) -> bool:
    cause: BaseException | None = failure
    while cause is not None:
        code = getattr(cause, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in BROKEN:
            return True
        cause = getattr(cause, "orig", None) or cause.__cause__
    return False


def _set_aside(path: Path, clock: Clock) -> Path:
    aside = path.with_name(f"{path.name}.broken-{clock.now_ms()}")
    path.rename(aside)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    return aside

"""A database in memory with the newest schema, and a store that runs verbs at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from csms_lite.store.migrate import migrate

P = ParamSpec("P")
T = TypeVar("T")


class ManualClock:
    """Time that stands still until the test moves it."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic(self) -> float:
        return self.at_ms / 1000


class Inline:
    """Runs verbs and queries on one connection, each a transaction, without a thread."""

    def __init__(self, db: Connection) -> None:
        self.db = db

    async def do(
        self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return verb(self.db, *args, **kwargs)

    async def read(
        self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return query(self.db, *args, **kwargs)


@contextmanager
def empty_database() -> Iterator[Connection]:
    """Open a fresh database in memory; the schema is made once and copied."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    _template().backup(raw)
    with _wrapped(raw) as db:
        yield db


def lay_empty_database(path: Path) -> None:
    """Lay a database with the newest schema where a first start would make one: far cheaper.

    One that is there stays; a directory that is not there is the start's to make.
    """
    if path.exists() or not path.parent.is_dir():
        return
    with closing(sqlite3.connect(path)) as file:
        _template().backup(file)


@cache
def _template() -> sqlite3.Connection:
    raw = sqlite3.connect(":memory:", isolation_level=None)
    migrate(_connect(raw))
    return raw


@contextmanager
def _wrapped(raw: sqlite3.Connection) -> Iterator[Connection]:
    raw.execute("PRAGMA foreign_keys = ON")
    db = _connect(raw)
    try:
        yield db
    finally:
        db.close()
        db.engine.dispose()


def _connect(raw: sqlite3.Connection) -> Connection:
    options: dict[str, Any] = {"raw": raw}
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    return engine.connect().execution_options(**options)

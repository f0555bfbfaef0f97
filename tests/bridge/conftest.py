"""Source, double and bridge between them, in one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from edge.bridge.database import Database
from edge.bridge.mirror import Mirror
from edge.bridge.pace import Pace
from edge.bridge.rules import identity
from edge.bridge.source import open_source, trusted
from tests.bridge.sources import CODE, Talking, Teller
from tests.rtdb.double import Double

QUICK = Pace(between_s=0.05, pulse_s=0.1, list_s=0.1, catch_up_s=0.2, first_s=0.02, longest_s=0.1)
TRUST = trusted(None)
SECRET = b"what names sessions in tests"


class Bridging(Protocol):
    """Runs a bridge from the source to the double while the block lasts."""

    def __call__(
        self,
        *stations: str,
        name: str = "bridge",
        pace: Pace = QUICK,
        token: str | None = None,
        url: str | None = None,
        now: datetime | None = None,
    ) -> AbstractAsyncContextManager[Mirror]: ...


@pytest.fixture
def double() -> Iterator[Double]:
    """The protocol double of the database."""
    with Double(keep_alive_s=0.5).running() as running:
        yield running


@pytest.fixture
async def source() -> AsyncIterator[Talking]:
    """The source of status documents."""
    async with Talking().running() as running:
        yield running


@pytest.fixture
def teller() -> Teller:
    """Who writes the documents."""
    return Teller()


@pytest.fixture
def bridging(source: Talking, double: Double) -> Bridging:
    """The bridge, with the real firebase-admin."""

    @asynccontextmanager
    async def run(
        *stations: str,
        name: str = "bridge",
        pace: Pace = QUICK,
        token: str | None = None,
        url: str | None = None,
        now: datetime | None = None,
    ) -> AsyncIterator[Mirror]:
        codes = None if token else (stations or (CODE,))
        who: dict[str, Any] = identity(name, codes)
        database = Database(url=double.url, key_file=None, identity=who, within_s=2.0)
        async with open_source(url or source.url, token=token, trust=TRUST) as opened:
            mirror = Mirror(
                opened, database, stations=codes, secret=SECRET, pace=pace,
                now=lambda: now or datetime.now(UTC),
            )  # fmt: skip
            async with asyncio.TaskGroup() as group:
                task = group.create_task(mirror.run())
                yield mirror
                task.cancel()
        database.close()

    return run

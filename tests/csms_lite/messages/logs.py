"""A log without a central system around it, and a socket on which nothing happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from csms_lite.clock import SystemClock
from csms_lite.messages.file import open_log
from csms_lite.messages.rules import SENT
from csms_lite.store.thread import open_database
from csms_lite.store.writer import Store


@asynccontextmanager
async def log_of(folder: Path) -> AsyncIterator[Store]:
    clock = SystemClock()
    async with open_log(folder, clock=clock, open_database=open_database) as store:
        yield store


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "at_ms": number,
        "charger": "CP-1",
        "direction": SENT,
        "type": "CALL",
        "action": "Reset",
        "message_id": f"m-{number}",
        "payload": "{}",
        "keep": "plain",
        **more,
    }


class Still:
    """A socket on which nothing happens but sending."""

    def __init__(self, *, is_closed: bool = False) -> None:
        self.is_closed = is_closed

    async def recv(self) -> str:
        if self.is_closed:
            raise ConnectionError
        return '[2,"1","Heartbeat",{}]'

    async def send(self, message: str, /) -> None:
        if self.is_closed:
            raise ConnectionError(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        raise NotImplementedError


def files(folder: Path, pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in folder.glob(pattern)]

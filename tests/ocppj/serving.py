"""A served connection over a pipe in memory, whose other end the test speaks by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edge.ocppj.charge_point import ChargePoint, IncomingCall
from tests.ocppj.payloads import AT
from tests.ocppj.pipe import Pipe, PipeClosed

Answering = Callable[[IncomingCall], Awaitable[dict[str, Any]]]


async def beat(_call: IncomingCall) -> dict[str, Any]:
    return {"currentTime": AT}


@asynccontextmanager
async def serving(
    answer: Answering = beat, **options: Any
) -> AsyncIterator[tuple[ChargePoint, Pipe]]:
    """A served connection and the far end of its pipe; ends as a closed connection does."""
    near, far = Pipe.pair()
    point = ChargePoint("TAPWATT-1", near, answer, closed_errors=PipeClosed, **options)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_ends_closed(point))
        try:
            yield point, far
        finally:
            await far.close()
            await task


async def _ends_closed(point: ChargePoint) -> None:
    with pytest.raises(PipeClosed):
        await point.start()

"""Follows the changes as a browser does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.csms_lite.central import Central


class Events:
    """Server-sent events, read by hand."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, dict[str, Any]]:
        fields: dict[str, str] = {}
        async with asyncio.timeout(5):
            async for line in self._lines:
                if not line and "data" in fields:
                    break
                name, _, value = line.partition(": ")
                if name:
                    fields[name] = value
        document = json.loads(fields["data"])
        assert int(fields["id"]) == document["number"]
        return fields["event"], document

    async def until(self, meant: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Read on until a change is meant; gives all read."""
        seen: list[dict[str, Any]] = []
        while not seen or not meant(seen[-1]):
            seen.append((await self.next())[1])
        return seen


@asynccontextmanager
async def following(
    central: Central, after: int | None = None, **wanted: str | list[str]
) -> AsyncIterator[Events]:
    headers = {} if after is None else {"last-event-id": str(after)}
    async with central.http.stream(
        "GET", "/api/events", headers=headers, params=wanted
    ) as response:
        assert response.status_code == 200
        yield Events(response)

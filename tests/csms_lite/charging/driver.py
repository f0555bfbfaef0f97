"""A driver before a charger: what he asks over HTTP, and how the charger answers on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.csms_lite.central import Central, Station

CARD = "CARD1"


def now(shift_s: float = 0) -> str:
    """The time as a station tells it."""
    at = datetime.now(UTC) + timedelta(seconds=shift_s)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@asynccontextmanager
async def ready(central: Central, *statuses: str) -> AsyncIterator[tuple[Station, str]]:
    """A booted station with a good card; gives it and its public code."""
    await central.http.put(f"/api/cards/{CARD}")
    async with central.station() as station:
        await station.boot()
        for connector, status in enumerate(statuses or ("Available",), 1):
            await station.status(connector, status)
        yield station, (await central.get("/api/chargers/CP-1"))["code"]


async def start(central: Central, code: str, *, wait: float = 0, **more: Any) -> httpx.Response:
    body = {"station": code, "tag": CARD, **more}
    return await central.http.post(f"/api/charging/start?wait={wait}", json=body)


async def stop(central: Central, number: int, *, wait: float = 0) -> httpx.Response:
    body = {"transaction_id": number}
    return await central.http.post(f"/api/charging/stop?wait={wait}", json=body)


async def reply(station: Station, action: str, status: str = "Accepted") -> dict[str, Any]:
    """Answer the next command, which is *action*, and give its payload."""
    frame = station.asked.pop(0) if station.asked else await station.receive()
    assert (frame[0], frame[2]) == (2, action)
    await station.send(3, frame[1], {"status": status})
    payload: dict[str, Any] = frame[3]
    return payload


async def until(central: Central, number: int, state: str) -> dict[str, Any]:
    """Wait until a session is in *state*."""
    async with asyncio.timeout(5):
        while True:
            session: dict[str, Any] = await central.get(f"/api/sessions/{number}")
            if session["state"] == state:
                return session


async def pending(central: Central) -> int:
    """Wait until the first session is asked for; gives its number."""
    async with asyncio.timeout(5):
        while not (found := await central.get("/api/sessions")):
            pass
    number: int = found[0]["transaction_id"]
    return number


async def gone(central: Central) -> None:
    """Wait until the charger's socket is seen to be closed."""
    async with asyncio.timeout(5):
        while (await central.get("/api/chargers/CP-1"))["connected"]:
            pass


async def command_is(central: Central, state: str) -> None:
    """Wait until the newest command of the charger is in *state*."""
    async with asyncio.timeout(5):
        while (await central.get("/api/chargers/CP-1/commands?count=1"))[0]["state"] != state:
            pass

"""What a test works with: the running central system by its sockets and its REST API alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.csms_lite.central import Central, running
from tests.spec_csms.point import Payload, Point, connected

WAIT_S = 30  # returns as soon as it is over; two cores may be shared by many


@dataclass(kw_only=True)
class Bench:
    """A central system, and how an operator and a charge point speak to it."""

    central: Central

    def point(self, charger: str = "CP-1", **options: Any) -> AbstractAsyncContextManager[Point]:
        """A line of a charge point that has not booted yet."""
        return connected(f"{self.central.addresses.ocpp}/{charger}", **options)

    @asynccontextmanager
    async def booted(self, charger: str = "CP-1", connectors: int = 1) -> AsyncIterator[Point]:
        """A charge point in the start state: accepted, all connectors Available."""
        async with self.point(charger) as point:
            assert (await point.boot())["status"] == "Accepted"
            for connector in range(connectors + 1):
                await point.status(connector, "Available")
            yield point

    async def get(self, path: str) -> Any:
        """Read something by the API."""
        return await self.central.get(path)

    async def card(self, tag: str, **body: Any) -> None:
        """Let a card in, or say what else it is."""
        answer = await self.central.http.put(f"/api/cards/{tag}", json=body)
        assert answer.status_code == 200, answer.text

    async def ask(self, action: str, payload: Payload | None = None, **more: Any) -> Any:
        """Ask as an operator does, and wait for the end of it; the command's row."""
        charger, wait = more.get("charger", "CP-1"), more.get("wait", WAIT_S)
        answer = await self.central.http.post(
            f"/api/chargers/{charger}/commands?wait={wait}",
            json={"action": action, "payload": payload or {}},
        )
        assert answer.status_code in {200, 202}, answer.text
        return answer.json()

    def asking(self, action: str, payload: Payload | None = None, **more: Any) -> Any:
        """Ask, and go on; await it for the row."""
        return asyncio.ensure_future(self.ask(action, payload, **more))

    async def told(self, point: Point, action: str, payload: Payload | None = None) -> Any:
        """Ask, and see that it reached the wire exactly as asked; gives the charger's answer."""
        before = len(point.asked)
        row = await self.ask(action, payload)
        [asked] = point.asked[before:]
        assert (asked.action, asked.payload) == (action, payload or {})
        assert row["state"] in {"answered", "observed"}, row
        return row["result"]

    async def command(self, row: Any) -> Any:
        """The row again, as it is now."""
        return await self.get(f"/api/commands/{row['id']}")

    async def observed(self, row: Any) -> Any:
        """What was seen to come of a command."""
        found = await self.command(row)
        assert found["state"] == "observed", found
        return found["observed"]

    async def session(self, transaction_id: int) -> Any:
        """One session as it is shown."""
        return await self.get(f"/api/sessions/{transaction_id}")

    async def sessions(self) -> Any:
        """All sessions."""
        return await self.get("/api/sessions")

    async def connector(self, number: int = 1, charger: str = "CP-1") -> Any:
        """A connector as it is shown."""
        found = await self.get(f"/api/chargers/{charger}")
        [one] = [one for one in found["connectors"] if one["connector"] == number]
        return one

    async def events(self, charger: str = "CP-1") -> Any:
        """What was noted of a charger, in order."""
        return (await self.get(f"/api/chargers/{charger}/events?count=1000"))[::-1]


@asynccontextmanager
async def opened(state_dir: Path, **settings: Any) -> AsyncIterator[Bench]:
    """A central system that runs while the block lasts."""
    async with running(state_dir, **settings) as central:
        central.http.timeout = 2 * WAIT_S
        yield Bench(central=central)

"""A running central system for tests, and a station that talks plain JSON to it."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from sqlalchemy import Connection
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from csms_lite.app import serve
from csms_lite.chance import Chance
from csms_lite.clock import SystemClock
from csms_lite.listening import Addresses
from csms_lite.settings import Settings
from csms_lite.store.thread import SqliteThread, open_database, raw_of
from csms_lite.upkeep.files import MONEY
from tests.csms_lite.inline import lay_empty_database

T = TypeVar("T")
BOOT = {"chargePointVendor": "Tapwatt", "chargePointModel": "Test"}
WITHIN_S = 5.0
PASSWORD = "correct horse battery"
START_WITHIN_S = 30.0  # a dozen may start at once on two cores


class Breakable:
    """A real database connection whose file can be made read-only under it."""

    def __init__(self, real: SqliteThread) -> None:
        self._real = real
        self.hops = 0

    async def run(self, job: Callable[[Connection], T]) -> T:
        self.hops += 1
        return await self._real.run(job)

    async def close(self) -> None:
        await self._real.close()

    async def break_now(self) -> None:
        """From now on SQLite itself refuses every write."""
        await self._set("ON")

    async def mend(self) -> None:
        """Writes work again."""
        await self._set("OFF")

    async def _set(self, value: str) -> None:
        def pragma(db: Connection) -> None:
            raw: sqlite3.Connection = raw_of(db)
            raw.execute(f"PRAGMA query_only = {value}")

        await self._real.run(pragma)


class Disk:
    """Opens databases and remembers the writing one, so that a test can break it."""

    writer: Breakable

    async def __call__(self, path: Path, *, read_only: bool) -> SqliteThread | Breakable:
        real = await open_database(path, read_only=read_only)
        if read_only or path.name != "csms.db":
            return real
        self.writer = Breakable(real)
        return self.writer


@dataclass(kw_only=True)
class Central:
    """What a test needs of a running central system."""

    addresses: Addresses
    disk: Disk
    token: str
    http: httpx.AsyncClient
    stopping: asyncio.Event

    def station(self, identity: str = "CP-1", **options: Any) -> Station:
        return Station(f"{self.addresses.ocpp}/{identity}", **options)

    async def account(self, name: str = "ann") -> int:
        """Add an account; gives its number."""
        body = {"email": f"{name}@example.org", "name": name, "surname": "X", "password": PASSWORD}
        response = await self.http.post("/api/users", json=body)
        assert response.status_code == 201, response.text
        number: int = response.json()["id"]
        return number

    async def get(self, path: str) -> Any:
        response = await self.http.get(path)
        assert response.status_code == 200, response.text
        return response.json()


@asynccontextmanager
async def running(state_dir: Path, **settings: Any) -> AsyncIterator[Central]:
    """Run a central system on free ports while the block lasts.

    It takes in whoever comes, and asks nothing by itself. Where there is none, its database is
    laid ready: what migrations make is the business of `store/test_migrations.py`.
    """
    lay_empty_database(state_dir / MONEY)
    settings.setdefault("accept_unknown", True)
    stopping, listening = asyncio.Event(), asyncio.Event()
    found: list[Addresses] = []

    def ready(addresses: Addresses) -> None:
        found.append(addresses)
        listening.set()

    disk = Disk()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            serve(
                Settings(
                    state_dir=state_dir,
                    ocpp_port=0,
                    http_port=0,
                    **{"local_lists": False, **settings},
                ),
                clock=SystemClock(),
                chance=Chance(random.Random(7)),
                stopping=stopping,
                ready=ready,
                open_database=disk,
            )
        )
        async with asyncio.timeout(START_WITHIN_S):
            await listening.wait()
        token = (state_dir / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=found[0].http, headers=headers, verify=False) as http:
            try:
                yield Central(
                    addresses=found[0], disk=disk, token=token, http=http, stopping=stopping
                )
            finally:
                stopping.set()


class Station:
    """A charger: one socket, frames as lists. Shares no code with edge/ocppj."""

    socket: ClientConnection

    def __init__(self, url: str, **options: Any) -> None:
        self._url = url
        self._options: dict[str, Any] = {"subprotocols": [Subprotocol("ocpp1.6")], **options}
        self._ids = random.Random(url).randrange(10**6)
        self.asked: list[list[Any]] = []

    async def __aenter__(self) -> Self:
        self.socket = await connect(self._url, **self._options)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.socket.close()

    async def send(self, *frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def receive(self) -> list[Any]:
        async with asyncio.timeout(WITHIN_S):
            frame: list[Any] = json.loads(await self.socket.recv())
            return frame

    async def call(
        self, action: str, payload: dict[str, Any] | None = None, *, message_id: str | None = None
    ) -> Any:
        """Call and give the payload of the answer, or the code of the CALLERROR."""
        if message_id is None:
            self._ids += 1
            message_id = f"{action[:20]}-{self._ids}"
        await self.send(2, message_id, action, payload or {})
        while True:
            frame = await self.receive()
            if frame[0] == 2:
                self.asked.append(frame)
                continue
            assert frame[1] == message_id
            return frame[2]

    async def boot(self, **words: Any) -> Any:
        return await self.call("BootNotification", {**BOOT, **words})

    async def start(self, *, tag: str = "CARD1", meter: int = 1000, at: str, **more: Any) -> Any:
        connector = more.pop("connector", 1)
        payload = {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": at}
        return await self.call("StartTransaction", payload, **more)

    async def stop(self, transaction_id: int, *, meter: int, at: str, **more: Any) -> Any:
        payload: dict[str, Any] = {"transactionId": transaction_id, "meterStop": meter}
        payload |= {"timestamp": at, "reason": more.pop("reason", "Local")}
        if "tag" in more:
            payload["idTag"] = more.pop("tag")
        return await self.call("StopTransaction", payload, **more)

    async def status(self, connector: int, status: str, **more: Any) -> Any:
        payload = {"connectorId": connector, "status": status, "errorCode": "NoError", **more}
        return await self.call("StatusNotification", payload)

    async def meter(
        self, transaction_id: int | None, *, energy: int, power: int, at: str, **more: Any
    ) -> Any:
        sampled = [
            {"value": str(energy), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": str(power), "measurand": "Power.Active.Import", "unit": "W"},
        ]
        payload: dict[str, Any] = {
            "connectorId": 1,
            "meterValue": [{"timestamp": at, "sampledValue": sampled}],
        }
        if transaction_id is not None:
            payload["transactionId"] = transaction_id
        return await self.call("MeterValues", payload, **more)

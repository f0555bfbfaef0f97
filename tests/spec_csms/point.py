"""A scripted charge point: plain JSON on a WebSocket, every frame we get held to its schema.

It answers what the central system asks by a script, and notes it. Shares no code with edge/ocppj.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.spec.schemas import actions, faults

Payload = dict[str, Any]
WITHIN_S: Final = 30.0
BOOT: Final = {"chargePointVendor": "Vendor", "chargePointModel": "Model", "firmwareVersion": "1"}


@dataclass(frozen=True)
class Refusal:
    """Answer with this CALLERROR."""

    code: str = "InternalError"


class Silent:
    """Do not answer."""


class HangUp:
    """Drop the line instead of answering."""


Script = Payload | Refusal | Silent | HangUp | Callable[[Payload], Payload]


class Refused(AssertionError):
    """The central system answered a call with a CALLERROR."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Asked:
    """One call of the central system."""

    action: str
    payload: Payload
    unique_id: str


class Point:
    """One connected charge point; *script* says how it answers what it is asked."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.script: dict[str, Script] = {}
        self.asked: list[Asked] = []
        self.violations: list[str] = []
        self.open_calls = 0
        self._numbers = itertools.count(1)
        self._waiting: dict[str, tuple[str, asyncio.Future[list[Any]]]] = {}
        self._news = asyncio.Event()

    async def serve(self) -> None:
        """Read until the line is gone."""
        try:
            async for text in self.socket:
                await self._handle(json.loads(text))
        except ConnectionClosed:
            pass
        for _, waiting in self._waiting.values():
            waiting.cancel()

    async def call(self, action: str, payload: Payload | None = None, **more: Any) -> Any:
        """Call the central system; raises `Refused`."""
        unique_id = more.get("unique_id") or f"{action[:20]}-{next(self._numbers)}"
        waiting: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting[unique_id] = (action, waiting)
        await self.socket.send(json.dumps([2, unique_id, action, payload or {}]))
        async with asyncio.timeout(WITHIN_S):
            frame = await waiting
        if frame[0] == 4:
            raise Refused(frame[2])
        return frame[2]

    async def refused(self, action: str, payload: Payload | None = None, **more: Any) -> str:
        """Call, and give the code of the CALLERROR that must come."""
        try:
            await self.call(action, payload, **more)
        except Refused as refusal:
            return refusal.code
        raise AssertionError(f"{action} was answered")

    async def until_asked(self, action: str, count: int = 1) -> Asked:
        """Wait until the central system has asked for *action* this often; the last of them."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                found = [one for one in self.asked if one.action == action]
                if len(found) >= count:
                    return found[count - 1]
                self._news.clear()
                await self._news.wait()

    async def _handle(self, frame: list[Any]) -> None:
        if frame[0] == 2:
            await self._asked(*frame[1:])
            return
        action, waiting = self._waiting.pop(frame[1], ("", None))
        if waiting is None:
            self.violations.append(f"an answer to nothing: {frame}")
            return
        if frame[0] == 3:
            self.violations += faults(action, frame[2], answer=True) if action in actions() else []
        waiting.set_result(frame)

    async def _asked(self, unique_id: str, action: str, payload: Payload) -> None:
        self.violations += faults(action, payload)
        if self.open_calls:
            self.violations.append(f"{action} while another call was open")
        self.asked.append(Asked(action, payload, unique_id))
        self._news.set()
        script = self.script.get(action, ANSWERS.get(action, {}))
        answer = script(payload) if callable(script) else script
        match answer:
            case Refusal(code):
                await self.socket.send(json.dumps([4, unique_id, code, "", {}]))
            case Silent():
                self.open_calls += 1
            case HangUp():
                self.socket.transport.abort()
            case _:
                await self.socket.send(json.dumps([3, unique_id, answer]))

    async def answer(self, asked: Asked, payload: Payload) -> None:
        """Answer at last what was left open."""
        self.open_calls -= 1
        await self.socket.send(json.dumps([3, asked.unique_id, payload]))

    async def boot(self, **more: Any) -> Any:
        return await self.call("BootNotification", {**BOOT, **more})

    async def status(self, connector: int, status: str, **more: Any) -> None:
        payload = {"connectorId": connector, "status": status, "errorCode": "NoError", **more}
        assert await self.call("StatusNotification", payload) == {}

    async def authorize(self, tag: str) -> Any:
        return (await self.call("Authorize", {"idTag": tag}))["idTagInfo"]

    async def start(self, tag: str, *, at: str | None = None, **more: Any) -> Any:
        payload = {"connectorId": 1, "idTag": tag, "meterStart": 1000, "timestamp": at or now()}
        return await self.call("StartTransaction", {**payload, **more})

    async def stop(self, transaction_id: int, *, at: str | None = None, **more: Any) -> Any:
        payload = {"transactionId": transaction_id, "meterStop": 5000, "timestamp": at or now()}
        return await self.call("StopTransaction", {**payload, "reason": "Local", **more})

    async def meter(self, transaction_id: int | None, *sampled: Payload, **more: Any) -> Any:
        values = list(sampled) or [{"value": "2000"}]
        payload: Payload = {
            "connectorId": 1,
            "meterValue": [{"timestamp": now(), "sampledValue": values}],
        }
        if transaction_id is not None:
            payload["transactionId"] = transaction_id
        return await self.call("MeterValues", {**payload, **more})


ACCEPTED: Final = {"status": "Accepted"}
AGREED: Final = (
    "CancelReservation",
    "CertificateSigned",
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearCache",
    "ClearChargingProfile",
    "DataTransfer",
    "DeleteCertificate",
    "ExtendedTriggerMessage",
    "GetLog",
    "InstallCertificate",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "ReserveNow",
    "Reset",
    "SendLocalList",
    "SetChargingProfile",
    "SignedUpdateFirmware",
    "TriggerMessage",
)
ANSWERS: Final[dict[str, Payload]] = {
    "GetCompositeSchedule": ACCEPTED,
    "GetConfiguration": {"configurationKey": []},
    "GetDiagnostics": {},
    "GetInstalledCertificateIds": ACCEPTED,
    "GetLocalListVersion": {"listVersion": 0},
    "UnlockConnector": {"status": "Unlocked"},
    "UpdateFirmware": {},
    **dict.fromkeys(AGREED, ACCEPTED),
}
"""What a charge point that agrees to everything answers."""


def now() -> str:
    """The time as OCPP writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@asynccontextmanager
async def connected(url: str, **options: Any) -> AsyncIterator[Point]:
    """A charge point on the line of this address; its frames must all have been lawful."""
    options = {"subprotocols": [Subprotocol("ocpp1.6")], **options}
    async with connect(url, **options) as socket, asyncio.TaskGroup() as tasks:
        point = Point(socket)
        tasks.create_task(point.serve())
        yield point
        await socket.close()
    assert point.violations == []

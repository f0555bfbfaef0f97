"""A bay behind its real socket, and a daemon of test hooks that can be attached to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from edge.control.server import listen
from edge.sim.bay import Bay, BaySetup, open_bay
from edge.sim.verbs import streams, verbs
from edge.sim.wires import Hooks

ANSWER_S = 5.0


class Caller:
    """One connection to the control socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        self.say(op, **arguments)
        return await self.hear()

    def say(self, op: str, **arguments: Any) -> None:
        self._writer.write(json.dumps({"op": op} | arguments).encode() + b"\n")

    def hang_up(self) -> None:
        self._writer.close()

    async def hear(self) -> dict[str, Any]:
        line = await asyncio.wait_for(self._reader.readline(), ANSWER_S)
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer


@asynccontextmanager
async def calling(path: Path) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    yield Caller(reader, writer)
    writer.close()


@asynccontextmanager
async def bay_at(path: Path, **setup: Any) -> AsyncIterator[Bay]:
    """A bay of *setup* that listens at *path*, in this event loop."""
    async with (
        open_bay(BaySetup(**setup)) as bay,
        listen(path, verbs(bay), streams(bay)),
    ):
        yield bay


class TestDaemon:
    """Hooks that write down what they were asked."""

    __test__ = False

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.status = "Available"

    def hooks(self) -> Hooks:
        return Hooks(
            net=lambda mode, for_s, after: self.asked.append(("net", mode, for_s, after)),
            clock=lambda offset_s, freeze: self.asked.append(("clock", offset_s, freeze)),
            power=lambda mode: self.asked.append(("power", mode)),
            reset_state=self.reset_state,
            fail_firmware=self.fail_firmware,
            fail_locallist=lambda on: self.asked.append(("fail.locallist", on)),
            disk=lambda mode, delay_s: self.asked.append(("disk", mode, delay_s)),
            datatransfer=self.datatransfer,
            security_event=lambda event, info: self.asked.append(
                ("ocpp.security_event", event, info)
            ),
            snapshot=self.snapshot,
        )

    def fail_firmware(self, which: str) -> None:
        self.asked.append(("fail.firmware", which))

    async def datatransfer(
        self, vendor: str, message: str | None, data: str | None
    ) -> dict[str, Any]:
        self.asked.append(("ocpp.datatransfer", vendor, message, data))
        return {"status": "Accepted", "data": data}

    async def reset_state(self, keep: Any) -> None:
        await asyncio.sleep(0)
        self.asked.append(("reset_state", keep))

    def snapshot(self) -> dict[str, Any]:
        connector = {"status": self.status, "errorCode": "NoError", "session": None}
        return {
            "boot": "Accepted",
            "online": True,
            "outbox": 0,
            "connectors": {"1": connector | {"plugged": "not asked"}},
        }

"""The whole daemon as a process, on a world process, against a scripted central system."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from edge.control.client import ask
from tests.waiting import WITHIN_S, until

ROOT = Path(__file__).parents[2]
CARD = "04A2B1C3D4E580"
NOW = "2026-01-01T00:00:00Z"
OPEN_WITHIN_S = 10  # safety is a promise: patience has an end
ACCEPTED = {"idTagInfo": {"status": "Accepted"}}


@dataclass
class Central:
    """Answers as told, remembers every CALL; `deaf` actions get no answer."""

    calls: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    deaf: set[str] = field(default_factory=set)
    answers: dict[str, Any] = field(default_factory=dict)
    connection: ServerConnection | None = None
    port: int = 0
    _transactions: int = 4710

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    def payloads(self, action: str) -> list[dict[str, Any]]:
        """Every payload of *action*, in order of arrival."""
        return [payload for name, payload, _ in self.calls if name == action]

    def statuses(self, connector: int) -> list[str]:
        """Each status told of *connector*."""
        told = self.payloads("StatusNotification")
        return [each["status"] for each in told if each["connectorId"] == connector]

    async def command(self, unique_id: str, action: str, payload: dict[str, Any]) -> Any:
        """Send a CALL and return the payload of its CALLRESULT."""
        assert self.connection is not None
        await self.connection.send(json.dumps([2, unique_id, action, payload]))
        await until(lambda: unique_id in self.answers)
        return self.answers[unique_id]

    async def serve(self, connection: ServerConnection) -> None:
        self.connection = connection
        with suppress(ConnectionClosed):
            async for raw in connection:
                frame = json.loads(raw)
                if frame[0] != 2:
                    self.answers[frame[1]] = frame[2]
                    continue
                _, unique_id, action, payload = frame
                self.calls.append((action, payload, unique_id))
                if action not in self.deaf:
                    with suppress(ConnectionClosed):  # what came before its end is still read
                        await connection.send(json.dumps([3, unique_id, self._answer(action)]))

    def _answer(self, action: str) -> dict[str, Any]:
        match action:
            case "BootNotification":
                return {"status": "Accepted", "currentTime": NOW, "interval": 300}
            case "Heartbeat":
                return {"currentTime": NOW}
            case "StartTransaction":
                self._transactions += 1
                return {**ACCEPTED, "transactionId": self._transactions}
            case "Authorize":
                return ACCEPTED
            case _:
                return {}


@asynccontextmanager
async def central_system() -> AsyncIterator[Central]:
    """A scripted central system on a free port."""
    central = Central()
    server: Server
    async with serve(
        central.serve,
        "127.0.0.1",
        0,
        subprotocols=["ocpp1.6"],  # type: ignore[list-item]  # a NewType of str
    ) as server:
        central.port = next(iter(server.sockets)).getsockname()[1]
        yield central


def ready_process(words: Sequence[str]) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Start `tapwatt …` and wait for its readiness line."""
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "edge", *words, "--ready-fd", str(write)],
        pass_fds=[write],
        cwd=ROOT,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        line = pipe.readline()
    assert line, f"{words} ended with {process.wait()} instead of getting ready"
    return process, json.loads(line)


def end(
    process: subprocess.Popen[bytes],
    number: signal.Signals = signal.SIGTERM,
    within_s: float = WITHIN_S,
) -> int:
    """Send *number* and wait for the exit code."""
    process.send_signal(number)
    return process.wait(timeout=within_s)


@dataclass
class Bench:
    """A world process and the daemons that attach to it."""

    directory: Path
    central: Central
    daemon: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.directory / "s"

    def start(self, *options: str, config: Path | None = None) -> None:
        """Start the daemon and wait until it is ready."""
        words = ["edge", "run", "--state-dir", str(self.directory / "d")]
        words += ["--sim-socket", str(self.socket), "-o", f"csms.url={self.central.url}"]
        words += ["-o", "csms.backoff_first_s=0.2"]
        for option in options:
            words += ["-o", option]
        if config is not None:
            words += ["--config", str(config)]
        self.daemon, _ = ready_process(words)

    async def sim(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Ask the simulated bay."""
        answer = await asyncio.to_thread(ask, self.socket, verb, **arguments)
        assert "error" not in answer, answer
        return answer

    async def wait(self, **condition: Any) -> dict[str, Any]:
        """Wait for connector 1 to be as *condition* says; a contactor that opens gets less time."""
        wanted = {f"connectors.1.{name}": value for name, value in condition.items()}
        opens = condition.get("contactor_closed") is False
        timeout_s = OPEN_WITHIN_S if opens else WITHIN_S
        return await self.sim("wait", condition=wanted, timeout_s=timeout_s)

    async def tap(self) -> None:
        await self.sim("card", uid=CARD)

    def control(self, verb: str, **arguments: Any) -> dict[str, Any]:
        return ask(self.directory / "d" / "control.sock", verb, **arguments)


def warned(made: Bench) -> list[str]:
    """The kinds of security events that the central system was told."""
    told = made.central.payloads("SecurityEventNotification")
    return [str(each["type"]) for each in told]


@contextmanager
def _world(socket: Path, options: Sequence[str]) -> Iterator[None]:
    words = ["sim", "serve", "--socket", str(socket), "--draw-w", "7400", *options]
    process, _ = ready_process(words)
    try:
        yield
    finally:
        end(process)


@asynccontextmanager
async def bench(directory: Path, *world: str, own_world: bool = False) -> AsyncIterator[Bench]:
    """World (built as the options *world* say) and central system; its daemons end with it.

    With *own_world* the first daemon brings the world it wants.
    """
    async with central_system() as central:
        made = Bench(directory=directory, central=central)
        with nullcontext() if own_world else _world(made.socket, world):
            try:
                yield made
            finally:
                if made.daemon is not None and made.daemon.poll() is None:
                    made.daemon.kill()
                    made.daemon.wait()

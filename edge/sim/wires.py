"""The daemon's side of the simulated bay: gpiozero pins whose other end is the world's process.

`attach` connects to the control socket, or starts a world that ends with us if nobody listens; then
it mirrors: outputs go to the world as they are written, inputs are driven by a thread of their own,
"sim-pins", as by lgpio, so drivers must marshal here as on a Pi. A pin write never waits.
Registers, plug and lock live over there: they survive us.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import queue
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from gpiozero.pins.mock import MockFactory, MockPWMPin

from edge.errors import DriverError, EdgeError, SimulationError
from edge.sim.child import own_world
from edge.sim.pins import COMPUTE_MODULE_3, TAKEN

ATTACH_S: Final = 2.0
BUSY_RETRY_S: Final = 0.05  # our predecessor's end is noticed within milliseconds
BUSY_TRIES: Final = 40
LEAVE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BayWanted:
    """The bay that the configuration asks for; must be that of a world that runs already.

    *tables*, made by `stand_in`, say instead of the first three what is wired where; *notes* say
    what in them is not as it was configured.
    """

    connectors: int = 2
    meter_bus: str = "rtu"
    meter_model: str = "sdm120"
    draw_w: float = 0.0
    tables: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What verbs ask of the daemon. Called in its event loop; a result may be awaitable.

    net(mode, for_s, after_bytes), clock(offset_s, freeze), power(mode), reset_state(keep),
    snapshot(), fail_firmware(next), fail_locallist(on), disk(mode, delay_s),
    datatransfer(vendorId, messageId, data) -> its answer, security_event(type, info).
    """

    net: Callable[[str, float | None, int], Any]
    clock: Callable[[float | None, bool | None], Any]
    power: Callable[[str], Any]
    reset_state: Callable[[Sequence[str]], Any]
    snapshot: Callable[[], dict[str, Any]]
    fail_firmware: Callable[[str], Any]
    fail_locallist: Callable[[bool], Any]
    disk: Callable[[str, float], Any]
    datatransfer: Callable[[str, str | None, str | None], Any]
    security_event: Callable[[str, str | None], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """An attached bay: gpiozero's pin factory, the tables of its hardware, and the way to tell it.

    `changed()` may be called after every step from the event loop: `events` and `wait` live on it.
    """

    pin_factory: MirrorFactory
    tables: dict[str, Any]
    changed: Callable[[], None]


class MirrorPin(MockPWMPin):  # type: ignore[misc]  # gpiozero ships no types
    """A pin whose far end is a wire of the bay."""

    def __init__(self, factory: MirrorFactory, info: Any) -> None:
        super().__init__(factory, info)
        factory.drive(self)

    def _set_state(self, value: float) -> None:
        super()._set_state(value)
        self.factory.wrote(self._number, float(value))

    def _set_function(self, value: str) -> None:
        was_output = self.function == "output"
        super()._set_function(value)
        if was_output and value == "input":
            self.factory.wrote(self._number, 0.0)  # let go: the pull-down of the relay board wins

    def _set_pull(self, value: str) -> None:
        with self.factory.lock:
            super()._set_pull(value)
            self.factory.drive(self)  # a driven wire is stronger than a pull


class MirrorFactory(MockFactory):  # type: ignore[misc]  # gpiozero ships no types
    """Makes `MirrorPin`s; knows the level on every wire that the world drives."""

    def __init__(self, write: Callable[[int, float], None]) -> None:
        super().__init__(revision=COMPUTE_MODULE_3, pin_class=MirrorPin)
        self.lock = threading.RLock()
        self.wrote = write
        self._levels: dict[int, bool] = {}

    def drive(self, pin: MirrorPin) -> None:
        """Bring *pin*, an input, to the level on its wire."""
        with self.lock:
            level = self._levels.get(pin._number)  # noqa: SLF001 - `number` warns; our own class
            if level is not None and pin.function == "input":
                (pin.drive_high if level else pin.drive_low)()

    def hear(self, number: int, *, level: bool) -> None:
        """The world drives wire *number*: callbacks run in the calling thread."""
        with self.lock:
            self._levels[number] = level
            for pin in tuple(self.pins.values()):
                if pin._number == number:  # noqa: SLF001 - as above
                    self.drive(pin)


class _Wire:
    """The connection: a thread that reads and drives pins, another that writes what is queued."""

    def __init__(self, sock: socket.socket, request: dict[str, Any], hooks: Hooks) -> None:
        self.factory = MirrorFactory(self._wrote)
        self._sock = sock
        self._request = request
        self._hooks = hooks
        self._loop = asyncio.get_running_loop()
        self._greeting: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self._outbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._saying = False
        self._said: dict[str, Any] | None = None
        self._threads = (
            threading.Thread(target=self._read, name="sim-pins", daemon=True),
            threading.Thread(target=self._write, name="sim-outputs", daemon=True),
        )

    async def start(self) -> dict[str, Any]:
        """Attach; returns the tables."""
        for thread in self._threads:
            thread.start()
        greeting = await self._greeting
        if "error" in greeting:
            raise SimulationError(greeting["error"])
        tables: dict[str, Any] = greeting["tables"]
        return tables

    def close(self) -> None:
        self._outbox.put(None)
        self._threads[1].join(LEAVE_S)
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(LEAVE_S)
        self._sock.close()

    def changed(self) -> None:
        """Say our snapshot once the loop has a moment, if it differs from the last."""
        if not self._saying:
            self._saying = True
            self._loop.call_soon(self._say)

    def _wrote(self, pin: int, level: float) -> None:
        self._outbox.put({"pin": pin, "level": level})

    def _say(self) -> None:
        self._saying = False
        snapshot = self._hooks.snapshot()
        if snapshot != self._said:
            self._said = snapshot
            self._outbox.put({"changed": snapshot})

    def _write(self) -> None:
        while (message := self._outbox.get()) is not None:
            with contextlib.suppress(OSError):  # the world is gone: pins are wires to nowhere
                self._sock.sendall(_line(message))

    def _read(self) -> None:
        with self._sock.makefile("rb") as lines:
            greeting = self._greet(lines)
            for pin, level in greeting.get("levels", {}).items():
                self.factory.hear(int(pin), level=level)
            self._loop.call_soon_threadsafe(self._greeted, greeting)
            with contextlib.suppress(OSError):
                for line in lines:
                    self._obey(json.loads(line))

    def _greeted(self, greeting: dict[str, Any]) -> None:
        if not self._greeting.done():
            self._greeting.set_result(greeting)

    def _greet(self, lines: IO[bytes]) -> dict[str, Any]:
        """Ask to be attached; a predecessor that is just dying may hold the place for a moment."""
        pause = threading.Event()
        for _ in range(BUSY_TRIES):
            try:
                self._sock.sendall(_line(self._request))
                answer: dict[str, Any] = json.loads(lines.readline() or b'{"error": "it hung up"}')
            except OSError as problem:
                return {"error": f"the simulated bay does not answer: {problem}"}
            if answer.get("error") != TAKEN:
                break
            pause.wait(BUSY_RETRY_S)
        self._sock.settimeout(None)
        return answer

    def _obey(self, message: dict[str, Any]) -> None:
        if "pin" in message:
            self.factory.hear(message["pin"], level=message["level"] > 0)
            return
        number, op = message.pop("ask", None), message.pop("op", None)
        if op == "seen":
            self._outbox.put({"answer": number})
        elif op == "die":
            os.kill(os.getpid(), signal.SIGKILL)  # here, so that a daemon that hangs dies, too
        elif number is not None:
            asked = asyncio.run_coroutine_threadsafe(self._ask(number, op, message), self._loop)
            asked.add_done_callback(lambda done: self._confess(number, done))

    def _confess(self, number: int, done: Future[None]) -> None:
        """A hook with a bug must not leave the asker waiting."""
        if not done.cancelled() and (problem := done.exception()) is not None:
            self._outbox.put({"answer": number, "error": f"the daemon's hook failed: {problem!r}"})

    async def _ask(self, number: int, op: str, arguments: dict[str, Any]) -> None:
        try:
            result = self._call(op, arguments)
            result = await result if inspect.isawaitable(result) else result
            answer = {"state": result} if op == "state" else _words(result)
        except EdgeError as problem:
            answer = {"error": str(problem)}
        self._outbox.put({"answer": number, **answer})

    def _call(self, op: str, arguments: dict[str, Any]) -> Any:
        if op not in _CALLS:
            raise SimulationError(f"the daemon has no hook {op}")
        return _CALLS[op](self._hooks, arguments)


_CALLS: Final[Mapping[str, Callable[[Hooks, dict[str, Any]], Any]]] = {
    "state": lambda hooks, _: hooks.snapshot(),
    "net": lambda hooks, said: hooks.net(said["mode"], said.get("for_s"), said["after_bytes"]),
    "clock": lambda hooks, said: hooks.clock(said.get("offset_s"), said.get("freeze")),
    "power": lambda hooks, said: hooks.power(said["mode"]),
    "reset_state": lambda hooks, said: hooks.reset_state(tuple(said.get("keep", ()))),
    "fail.firmware": lambda hooks, said: hooks.fail_firmware(said["next"]),
    "fail.locallist": lambda hooks, said: hooks.fail_locallist(said["on"]),
    "disk": lambda hooks, said: hooks.disk(said["mode"], said["delay_s"]),
    "ocpp.datatransfer": lambda hooks, said: hooks.datatransfer(
        said["vendorId"], said.get("messageId"), said.get("data")
    ),
    "ocpp.security_event": lambda hooks, said: hooks.security_event(said["type"], said.get("info")),
}
"""What each hook is called with."""


def _words(result: Any) -> dict[str, Any]:
    """What a hook has to say, if it says anything."""
    return result if isinstance(result, dict) else {}


@contextlib.asynccontextmanager
async def attach(
    socket_path: str | Path, hooks: Hooks, wanted: BayWanted
) -> AsyncIterator[Attached]:
    """Wire the running daemon to the bay at *socket_path* until the block ends.

    If nobody listens there, a world is started that ends with us, however we end.
    Raises `SimulationError` if the world is built otherwise or has a daemon, `DriverError` if it
    does not come up or does not answer.
    """
    async with contextlib.AsyncExitStack() as stack:
        sock = _connect(socket_path)
        if sock is None:
            await stack.enter_async_context(own_world(socket_path, serve_words(wanted)))
            sock = _connect(socket_path)
        if sock is None:
            raise DriverError(f"the simulated bay at {socket_path} came up but does not listen")
        stack.callback(sock.close)
        wire = _Wire(sock, _request(wanted), hooks)
        stack.callback(wire.close)
        tables = await wire.start()
        stack.callback(wire.factory.close)
        yield Attached(pin_factory=wire.factory, tables=tables, changed=wire.changed)


def _request(wanted: BayWanted) -> dict[str, Any]:
    return {
        "op": "attach",
        "connectors": wanted.connectors,
        "meter_bus": wanted.meter_bus,
        "meter_model": wanted.meter_model,
        "tables": wanted.tables,
    }


def serve_words(wanted: BayWanted) -> Sequence[str]:
    """The options of `tapwatt sim serve` for the bay that is *wanted*."""
    built = ("--connectors", str(wanted.connectors), "--meter-bus", wanted.meter_bus)
    words = (*built, "--meter-model", wanted.meter_model, "--draw-w", str(wanted.draw_w))
    return words if wanted.tables is None else (*words, "--tables", json.dumps(wanted.tables))


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _connect(path: str | Path) -> socket.socket | None:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(ATTACH_S)
    try:
        sock.connect(str(path))
    except OSError:
        sock.close()
        return None
    return sock

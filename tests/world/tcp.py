"""TCP in memory: transports whose bytes the virtual loop carries, under the real `websockets`.

The faults are those that TCP has: refused, broken at any chunk, standing still, swallowing all.
What goes over it is masked, so here nobody judges the wire: the databases and the bay remain.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from csms_lite.ocpp.endpoint import Endpoint
from tests.world.life import Life, whose
from tests.world.loop import VirtualLoop, elapse
from tests.world.net import OPEN_S, STALL_S, Heard

APART_S: Final = 600.0  # between two breaks: three in a row on one message look like poison
SMALL: Final = 60  # bytes; pings and closes are no message

Factory = Callable[[], asyncio.Protocol]


@dataclass(kw_only=True)
class TcpNetwork:
    """What the world asks of `tests.world.net.Network`, for sockets that are almost real."""

    chance: Random
    latency_s: float
    note: Callable[[str], None]
    armed: list[str] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    struck: Counter[str] = field(default_factory=Counter)
    is_up: bool = True
    swallows: bool = False
    _broke_at: float = -APART_S
    _listener: tuple[Life, Factory, Context] | None = None
    _pairs: list[tuple[Transport, Transport]] = field(default_factory=list)

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        for name in ("create_server", "create_connection"):  # of a loop that has no network
            setattr(loop, name, getattr(self, f"_{name}"))

    async def listen(self, _life: Life, endpoint: Endpoint) -> None:
        """The central system takes stations in."""
        with socket.socket() as unused:
            await endpoint.listen(unused)

    def dial_of(self, _life: Life) -> None:
        """The station dials by itself."""

    def delay_s(self) -> float:
        """One way."""
        return self.latency_s * (0.2 + self.chance.random())

    async def _create_server(self, factory: Factory, *_: object, **__: object) -> _Listening:
        life = whose()
        assert life is not None
        self._listener = life, factory, copy_context()
        life.at_death(self._gone)
        return _Listening()

    def _gone(self) -> None:
        self._listener = None

    async def _create_connection(
        self, factory: Factory, *_: object, **__: object
    ) -> tuple[Transport, asyncio.Protocol]:
        await elapse(self.delay_s())
        if self.swallows:
            await elapse(OPEN_S)
        if not self.is_up or self._listener is None:
            raise ConnectionRefusedError(111, "nobody listens")
        server_life, server_factory, context = self._listener
        client_life = whose()
        assert client_life is not None
        near, far = Transport(self, "up"), Transport(self, "down")
        near.other, far.other = far, near
        protocol = factory()
        far.begin(context.copy().run(server_factory), context.copy())
        near.begin(protocol, copy_context())
        client_life.at_death(near.abort)
        server_life.at_death(far.abort)
        self._pairs.append((near, far))
        return near, protocol

    # ── what the world does ──────────────────────────────────────────────────────────────────────

    def may_break(self) -> bool:
        """Whether the last break is long enough ago."""
        return asyncio.get_running_loop().time() >= self._broke_at + APART_S

    def cut(self) -> None:
        """Break every connection."""
        if self.may_break():
            self._break()

    def _break(self) -> None:
        self._broke_at = asyncio.get_running_loop().time()
        for near, far in self._pairs:
            near.lose()
            far.lose()
        self._pairs.clear()

    def go_down(self) -> None:
        """Nothing passes and nobody gets through, until `mend`."""
        if self.may_break():
            self.is_up = False
            self._break()

    def swallow(self) -> None:
        """Connections stay open and nothing passes, until `mend`."""
        self.swallows = True

    def mend(self) -> None:
        """All is well; what was swallowed never comes."""
        self.is_up = True
        if self.swallows:
            self.swallows = False
            self._break()

    def arm(self, fault: str, _action: str) -> None:
        """Let *fault* strike the next message; those that need to read one are none here."""
        if fault in ("cut_before", "cut_after", "stall"):
            self.armed.append(fault)

    def strike(self, way: str, size: int) -> str | None:
        """Take the fault that fits a chunk, if one may."""
        wanted = {"up": ("cut_before", "stall"), "down": ("cut_after",)}[way]
        if size < SMALL or not self.may_break():
            return None
        for fault in self.armed:
            if fault in wanted:
                self.armed.remove(fault)
                self.struck[fault] += 1
                return fault
        return None


class _Listening:
    """What `websockets` asks of `asyncio.Server`."""

    sockets: tuple[()] = ()

    def is_serving(self) -> bool:
        return True

    def close(self) -> None:
        """Only death ends it here."""

    async def wait_closed(self) -> None:
        """So there is nothing to wait for."""


class Transport(asyncio.Transport):
    """One end of a connection."""

    other: Transport

    def __init__(self, network: TcpNetwork, way: str) -> None:
        super().__init__()
        self._network = network
        self._way = way
        self._loop = asyncio.get_running_loop()
        self._arrives_at = 0.0
        self._is_closing = False
        self._is_lost = False
        self._protocol: asyncio.Protocol
        self._context: Context

    def begin(self, protocol: asyncio.Protocol, context: Context) -> None:
        """Connect *protocol*; it is called back in *context*."""
        self._protocol, self._context = protocol, context
        context.run(protocol.connection_made, self)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._is_lost:
            return
        chunk, network = bytes(data), self._network
        fault = network.strike(self._way, len(chunk))
        if fault in ("cut_before", "cut_after"):
            network._break()
            return
        at = max(self._arrives_at, self._loop.time() + network.delay_s())
        self._arrives_at = at + (STALL_S if fault == "stall" else 0.0)
        self._loop.call_at(self._arrives_at, self.other.arrive, chunk)

    def arrive(self, chunk: bytes) -> None:
        """Bytes of the other end."""
        if not (self._is_lost or self._network.swallows):
            self._network.note(f"{self._way} {len(chunk)} bytes")
            self._context.run(self._protocol.data_received, chunk)

    def lose(self) -> None:
        """The connection is gone."""
        if not self._is_lost:
            self._is_lost = self._is_closing = True
            self._loop.call_soon(self._protocol.connection_lost, None, context=self._context)

    def end(self) -> None:
        """The other end has closed."""
        if not self._is_lost:
            self._context.run(self._protocol.eof_received)
            self.lose()

    def close(self) -> None:
        self._is_closing = True
        self.write_eof()
        self.lose()

    def abort(self) -> None:
        self.close()

    def write_eof(self) -> None:
        at = max(self._arrives_at, self._loop.time() + self._network.delay_s())
        self._loop.call_at(at, self.other.end)

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self._is_closing

    def get_extra_info(self, _name: str, default: Any = None) -> Any:
        return default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def pause_reading(self) -> None:
        """Nothing here is faster than its reader."""

    def resume_reading(self) -> None:
        """See `pause_reading`."""

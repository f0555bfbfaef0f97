"""The simulated bay inside the benchmark's process: it notes when things pass its wires.

Bay, pty, socket and protocol are those of `tapwatt sim serve`; only the line to the daemon and the
reader's chip are wrapped to write down the time. One clock for all: CLOCK_MONOTONIC in seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.control.server import listen
from edge.sim.bay import Bay, BaySetup, open_bay
from edge.sim.bay import Line as BayLine
from edge.sim.outlet import Wire
from edge.sim.pn532 import Chip
from edge.sim.verbs import streams, verbs


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An output of the daemon that arrived at the bay."""

    at: float
    connector: int
    output: str
    level: float


class NotingChip(Chip):
    """A PN532 that notes when a card's frame goes onto the wire."""

    def __init__(self, note: Callable[[float], None]) -> None:
        super().__init__()
        self._note = note

    def collect(self) -> bytes:
        """Answer as the chip does; the caller writes it to the wire next."""
        said = super().collect()
        if said:
            self._note(time.monotonic())
        return said


@dataclass
class NotingBay:
    """A bay and what passed its wires."""

    bay: Bay
    socket: Path
    evse_kind: str = "gpio"
    card_at: float = 0.0
    moves: list[Move] = field(default_factory=list)
    snapshot: dict[str, Any] = field(default_factory=dict)
    snapshot_at: float = 0.0
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    async def attach(self, peer: BayLine, **wanted: Any) -> None:
        """Stream verb `attach`, with notes."""
        await self.bay.attach(NotingLine(peer, self), **wanted)

    def heard(self, message: dict[str, Any], at: float) -> None:
        """Note a message of the daemon that arrived *at*."""
        if "pin" in message:
            connector, output = self.bay.wiring.outputs[message["pin"]]
            move = Move(at=at, connector=connector, output=output, level=float(message["level"]))
            self.moves.append(move)
        elif "changed" in message:
            self.snapshot, self.snapshot_at = message["changed"], at
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def until(self, fact: Callable[[], object], within_s: float = 20.0) -> None:
        """Return when *fact* holds, looked at after each message; raises `TimeoutError`."""
        async with asyncio.timeout(within_s):
            while not fact():
                news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(news)
                await news

    async def moved(
        self, connector: int, output: str, is_it: Callable[[float], bool], after: float
    ) -> float:
        """When *output* of *connector* first got a level that *is_it*, not before *after*."""

        def found() -> list[float]:
            return [
                move.at
                for move in self.moves
                if move.at >= after
                and (move.connector, move.output) == (connector, output)
                and is_it(move.level)
            ]

        await self.until(found)
        return found()[0]

    async def connector_is(self, connector: int, **wanted: Any) -> None:
        """Wait until the daemon says of *connector* what is *wanted*."""

        def fits() -> bool:
            said = self.snapshot.get("connectors", {}).get(str(connector), {})
            return all(said.get(name) == value for name, value in wanted.items())

        try:
            await self.until(fits)
        except TimeoutError as waited:
            said = self.snapshot.get("connectors", {}).get(str(connector), {})
            raise TimeoutError(f"connector {connector}: wanted {wanted}, got {said}") from waited

    def plug(self, connector: int) -> None:
        """Put the cable in, both ends."""
        with self.bay.touch() as world:
            outlet = world.outlet(connector)
            outlet.plug_in_socket = outlet.plug_in_car = True
            outlet.pulling = False

    def unplug(self, connector: int) -> None:
        """Take it from the car, and from the socket as soon as the lock lets go."""
        with self.bay.touch() as world:
            outlet = world.outlet(connector)
            outlet.plug_in_car = False
            outlet.pulling = True

    def tap(self, uid: str, for_s: float = 0.15) -> None:
        """Lay a card for a moment."""
        self.card_at = 0.0
        with self.bay.touch() as world:
            world.spot(0).tap(uid, for_s, world.now_s)

    def emergency(self, connector: int, *, on: bool) -> float:
        """Press or release the emergency stop of *connector*; when."""
        at = time.monotonic()
        with self.bay.touch() as world:
            wires = world.outlet(connector).wires
            (wires.add if on else wires.discard)(Wire.EMERGENCY_STOP)
        return at

    def note_card(self, at: float) -> None:
        """Remember the first frame of a card that was laid."""
        self.card_at = self.card_at or at


class NotingLine:
    """The line to the daemon, with a note of every message."""

    def __init__(self, line: BayLine, notes: NotingBay) -> None:
        self._line = line
        self._notes = notes

    async def receive(self) -> dict[str, Any] | None:
        """Its next message."""
        message = await self._line.receive()
        if message is not None:
            # the bay acts on it first: who waits for news finds the world as it is then
            at = time.monotonic()
            asyncio.get_running_loop().call_soon(self._notes.heard, message, at)
        return message

    def send(self, message: dict[str, Any]) -> None:
        """Say *message*; the greeting names the kind of charging point that is wanted."""
        for table in message.get("tables", {}).get("connectors", {}).values():
            table["evse"]["kind"] = self._notes.evse_kind
        self._line.send(message)


@asynccontextmanager
async def noting_bay(
    socket: Path, *, evse_kind: str = "gpio", draw_w: float = 7400.0, baud_timing: bool = False
) -> AsyncIterator[NotingBay]:
    """Open a bay of two connectors that listens on *socket*."""
    setup = BaySetup(draw_w=draw_w, ev_delay_s=0.05, baud_timing=baud_timing)
    async with open_bay(setup) as bay:
        notes = NotingBay(bay=bay, socket=socket, evse_kind=evse_kind)
        for reader in bay.readers:
            reader.chip = NotingChip(notes.note_card)
        async with listen(socket, verbs(bay), {**streams(bay), "attach": notes.attach}):
            yield notes

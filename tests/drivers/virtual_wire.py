"""A Modbus line in virtual time: what goes wrong on it is chosen reply by reply.

Below the real bus driver and the real pymodbus client lies a transport of ours, so hours take
seconds. A line carries the bytes of its meters' replies at its speed; a host speaks Modbus TCP.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import reduce
from operator import and_
from random import Random
from typing import Any

from edge.drivers.modbus import ModbusBus
from edge.sim.modbus import BITS_PER_BYTE, answer, crc16
from edge.sim.registers import Answering

THINK_S = (0.005, 0.06)  # what a meter takes before it answers
REQUEST_BYTES = 8
EXCEPTIONS = (1, 2, 3, 4, 6, 10, 11)
PIECES_S = 0.05  # between the two pieces of a frame
STRANGER = 99  # a unit id that nobody has


class Fault(StrEnum):
    """What becomes of one exchange."""

    LOST = "lost"
    DAMAGED = "damaged"
    CUT = "cut"
    LATE = "late"
    STRANGER = "stranger"
    EXCEPTION = "exception"
    NOISE = "noise"
    ECHO = "echo"
    DOUBLED = "doubled"
    IN_PIECES = "in pieces"
    UNPLUGGED = "unplugged"
    WRONG_NUMBER = "wrong number"
    BLACK_HOLE = "black hole"


ON_A_LINE = tuple(each for each in Fault if each not in (Fault.WRONG_NUMBER, Fault.BLACK_HOLE))
ON_A_NETWORK = tuple(each for each in Fault if each not in (Fault.ECHO, Fault.NOISE, Fault.DAMAGED))


class Chance:
    """Chooses faults: *share* of all exchanges go wrong, late ones by up to *latest_s*."""

    def __init__(self, seed: str, faults: Sequence[Fault], latest_s: float) -> None:
        self.random = Random(seed)
        self.share = 0.0
        self.latest_s = latest_s
        self.counts: Counter[Fault] = Counter()
        self._faults = faults

    def fault(self) -> Fault | None:
        """What goes wrong with the next exchange."""
        if self.random.random() >= self.share:
            return None
        fault = self.random.choice(self._faults)
        self.counts[fault] += 1
        return fault


class _Transport(asyncio.Transport):
    """What pymodbus writes to."""

    def __init__(self, wire: Wire, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self._wire = wire
        self._open = True

    def write(self, data: Any) -> None:
        if self._open:
            self._wire.heard(self, bytes(data))

    def close(self) -> None:
        self._open = False

    def abort(self) -> None:
        self.close()

    def deliver(self, data: bytes) -> None:
        """Bytes arrive, if there is still somebody."""
        if self._open:
            self._wire.arrived(self, data)

    def lose(self) -> None:
        """The far end, or the adapter, is gone."""
        if self._open:
            self._open = False
            self.protocol.connection_lost(ConnectionResetError())


class Wire:
    """One line or host; `attach` puts it below a bus."""

    def __init__(self, meters: Sequence[tuple[int, Answering]], chance: Chance) -> None:
        self.meters = meters
        self.chance = chance
        self.speed = 9600
        self.away_until = 0.0
        self.requests: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._excused: dict[int, bool] = {}

    def attach(self, bus: ModbusBus, *, reachable: bool = True) -> None:
        """Let *bus* dial this wire; one that is not *reachable* carries bytes to nobody."""

        async def connect() -> tuple[_Transport, Any]:
            if self._loop.time() < self.away_until:
                raise ConnectionRefusedError
            transport = _Transport(self if reachable else Deaf(self), context)
            self._loop.call_soon(context.connection_made, transport)
            return transport, context

        context = bus._client.ctx
        context.call_create = connect

    def heard(self, transport: _Transport, data: bytes) -> None:
        """The master sent *data*."""
        raise NotImplementedError

    def arrived(self, transport: _Transport, data: bytes) -> None:
        """*data* reaches the master."""
        transport.protocol.data_received(data)

    def later(self, seconds: float, act: Callable[..., None], *arguments: object) -> None:
        """Let *act* happen."""
        self._loop.call_later(seconds, act, *arguments)

    def think_s(self) -> float:
        """How long a meter takes before it answers."""
        return self.chance.random.uniform(*THINK_S)

    def break_off(self, transport: _Transport) -> None:
        """The connection is gone, and for up to ten seconds nobody lets us in again."""
        self.away_until = self._loop.time() + self.chance.random.uniform(0, 10)
        transport.lose()

    def bodies(self, request: bytes, fault: Fault | None) -> list[bytes]:
        """What each meter that is meant answers to *request*: unit id and PDU."""
        unit = request[0]
        named = [meter for number, meter in self.meters if number == unit]
        # Twice in a row a refusal is the meter's own word, not a fault of the moment.
        if named and fault is Fault.EXCEPTION and not self._excused.get(unit):
            self._excused[unit] = True
            return [bytes((unit, request[1] | 0x80, self.chance.random.choice(EXCEPTIONS)))]
        self._excused[unit] = False
        return [answer(meter, request, self._loop.time()) for meter in named]


def _overlaid(replies: Sequence[bytes]) -> bytes:
    """What is heard of meters that speak at once: a low level of one is low."""
    longest = max(len(reply) for reply in replies)
    padded = [reply.ljust(longest, b"\xff") for reply in replies]
    return bytes(reduce(and_, column) for column in zip(*padded, strict=True))


class Line(Wire):
    """RTU; *echoes*: the adapter hears itself."""

    echoes = False

    def heard(self, transport: _Transport, data: bytes) -> None:
        """The master sent a request."""
        self.requests.append(data)
        fault = self.chance.fault()
        if fault is Fault.UNPLUGGED:
            self.break_off(transport)
            return
        took_s = self._takes_s(data)
        if self.echoes or fault is Fault.ECHO:
            self.later(took_s, transport.deliver, data)
        if fault is Fault.LOST or crc16(data[:-2]) != data[-2:]:
            return
        bodies = self.bodies(data[:-2], fault)
        if bodies:
            reply = _overlaid([body + crc16(body) for body in bodies])
            self._reply(transport, reply, took_s + self.think_s(), fault)

    def _reply(
        self, transport: _Transport, reply: bytes, after_s: float, fault: Fault | None
    ) -> None:
        random = self.chance.random
        takes_s = self._takes_s(reply)
        if fault is Fault.DAMAGED:
            place = random.randrange(len(reply))
            reply = (
                reply[:place]
                + bytes((reply[place] ^ 1 << random.randrange(8),))
                + reply[place + 1 :]
            )
        elif fault is Fault.CUT:
            reply = reply[: random.randrange(1, len(reply))]
        elif fault is Fault.LATE:
            after_s = random.uniform(0.2, self.chance.latest_s) - takes_s
        elif fault is Fault.STRANGER:
            body = bytes((STRANGER,)) + reply[1:-2]
            reply = body + crc16(body)
        elif fault is Fault.NOISE:
            noise = random.randbytes(random.randrange(1, 8))
            reply = noise + reply if random.random() < 0.5 else reply + noise
        elif fault is Fault.IN_PIECES:
            place = random.randrange(1, len(reply))
            self.later(after_s, transport.deliver, reply[:place])
            self.later(after_s + takes_s, transport.deliver, reply[place:])
            return
        self.later(after_s + takes_s, transport.deliver, reply)
        if fault is Fault.DOUBLED:
            self.later(after_s + 2 * takes_s, transport.deliver, reply)

    def _takes_s(self, data: bytes) -> float:
        return len(data) * BITS_PER_BYTE / self.speed


class Host(Wire):
    """Modbus TCP."""

    _busy_until = 0.0

    def heard(self, transport: _Transport, data: bytes) -> None:
        """The master sent a request."""
        self.requests.append(data)
        fault = self.chance.fault()
        if fault is Fault.UNPLUGGED:
            self.break_off(transport)
            return
        if fault is Fault.BLACK_HOLE:
            transport.close()
            self.away_until = 0.0
            return
        bodies = self.bodies(data[6:], fault)
        if not bodies or fault is Fault.LOST:
            return
        (body,) = bodies
        number = data[:2]
        if fault is Fault.WRONG_NUMBER:
            number = struct.pack(">H", (struct.unpack(">H", number)[0] + 1) % 0x10000)
        if fault is Fault.STRANGER:
            body = bytes((STRANGER,)) + body[1:]
        frame = number + b"\0\0" + struct.pack(">H", len(body)) + body
        self._reply(transport, frame, fault)

    def _reply(self, transport: _Transport, frame: bytes, fault: Fault | None) -> None:
        random = self.chance.random
        after_s = self.think_s()
        if fault is Fault.CUT:
            frame = frame[: random.randrange(1, len(frame))]
        elif fault is Fault.LATE:
            after_s = random.uniform(0.2, self.chance.latest_s)
        place = random.randrange(1, len(frame)) if fault is Fault.IN_PIECES else len(frame)
        self.later(after_s, self._send, transport, frame, place)
        if fault is Fault.DOUBLED:
            self.later(after_s + 0.02, self._send, transport, frame, len(frame))

    def _send(self, transport: _Transport, frame: bytes, place: int) -> None:
        """In two pieces if *place* is within: nothing of another frame comes between them."""
        wait_s = self._busy_until - self._loop.time()
        if wait_s > 0:
            self.later(wait_s, self._send, transport, frame, place)
            return
        transport.deliver(frame[:place])
        if place < len(frame):
            self._busy_until = self._loop.time() + PIECES_S
            self.later(PIECES_S, transport.deliver, frame[place:])

    def arrived(self, transport: _Transport, data: bytes) -> None:
        """As asyncio does it: a protocol that chokes on its bytes loses its connection."""
        try:
            transport.protocol.data_received(data)
        except Exception:  # noqa: BLE001  whatever pymodbus makes of garbage
            transport.lose()


class Deaf(Wire):
    """Nobody hears the master, and the master hears nobody."""

    def __init__(self, of: Wire) -> None:
        super().__init__((), of.chance)

    def heard(self, transport: _Transport, data: bytes) -> None:
        """Nothing happens."""

"""A Modbus bus: one line, one question at a time, never an answer to another question.

Modbus RTU has no transaction numbers: a reply that comes after its time-out looks exactly like the
answer to the next request, and pymodbus hands it over as such (seen: 230 V billed as kWh). So here
  * a unit that missed its time-out is left alone until its late reply has passed (`drain_s`);
    replies of other units are told apart by their unit id, so that they need not wait;
  * a reply must be of the function and hold exactly as many registers as were asked for, and meters
    ask for blocks of different lengths; any other counts as a miss and starts the drain again;
  * over TCP a time-out closes the connection, and with it whatever was still under way; so does a
    reply that is not all there is to read.
Urgent reads overtake polling, and writes overtake everything (`write_wanted`). A unit that
missed three times is probed once in `probe_s` and costs one time-out then; in between its reads
fail at once. An adapter that hears itself is no fault: the
echo of a request is kept from pymodbus.

This is the only module that imports pymodbus.

Quality: real pymodbus over pty and TCP against simulated meters, with late, cut and garbled
replies; not yet seen on a real RS-485 adapter.
"""

from __future__ import annotations

import asyncio
import termios
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
import structlog
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from edge.core.instant import Instant
from edge.drivers.modbus_ear import Ear
from edge.drivers.modbus_turn import Turn
from edge.drivers.registry import Rig
from edge.errors import BusLost, DriverError, MeterImplausible, MeterRefused, MeterSilent
from edge.ports import Clock

MISSES_TILL_DEAD: Final = 3  # one lost frame is noise, three in a row are a unit that is gone
GATEWAY: Final = (0x0A, 0x0B)  # a gateway's exceptions: the unit behind it did not answer
LONGEST_EXCHANGE: Final = 8 + 85  # bytes: a request, and a reply with the 40 registers of a block
BITS: Final = 11  # of a byte on the line
WRITES: Final = 16  # Modbus function code: write multiple registers
HEAD: Final = 7  # bytes before the function code in a Modbus TCP frame
EXCEPTION: Final = 0x80  # added to the function of a refused request
LOOK: Final = "check A/B wiring, power and unit id"
THINK_S: Final = 0.2  # what a meter may take before it answers
OPEN_S: Final = 0.005  # lets bytes already in the kernel's buffer reach pymodbus, which drops them

log = structlog.get_logger()

Seconds = Annotated[float, msgspec.Meta(ge=0)]


class RtuSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[buses.NAME]` with `kind = "rtu"`: a serial line, usually RS-485 behind a USB adapter.

    A reply later than `timeout_s` is given up, by default what the longest takes at `baudrate`, and
    0.2 s; the slowest reply ever seen must come within `timeout_s + drain_s`. `pause_s` is the
    silence between two requests.
    """

    port: str
    baudrate: Annotated[int, msgspec.Meta(ge=300)] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    drain_s: Seconds = 1.0
    pause_s: Seconds = 0.05
    probe_s: Seconds = 30.0

    @property
    def patience_s(self) -> float:
        """How long a reply is waited for."""
        if self.timeout_s is not None:
            return self.timeout_s
        return THINK_S + LONGEST_EXCHANGE * BITS / self.baudrate


class TcpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[buses.NAME]` with `kind = "tcp"`: a meter or a gateway on the local network."""

    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 502
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 0.8
    pause_s: Seconds = 0.0
    probe_s: Seconds = 30.0


@asynccontextmanager
async def open_rtu(
    settings: RtuSettings,
    rig: Rig,
    place: int,  # noqa: ARG001 - every factory is given one; a bus serves all
) -> AsyncIterator[ModbusBus]:
    """Open a serial bus; the port itself is opened at the first read."""
    ear = Ear()
    client = AsyncModbusSerialClient(
        settings.port,
        baudrate=settings.baudrate,
        parity=settings.parity,
        stopbits=settings.stopbits,
        timeout=settings.patience_s,
        retries=0,
        reconnect_delay=0,
        trace_packet=ear.pass_on,
    )
    timing = Timing(
        gone_s=settings.patience_s + settings.drain_s,
        pause_s=settings.pause_s,
        probe_s=settings.probe_s,
        numbered=False,
    )
    bus = ModbusBus(client, ear, settings.port, timing, rig.clock)
    try:
        yield bus
    finally:
        bus.close()


@asynccontextmanager
async def open_tcp(
    settings: TcpSettings,
    rig: Rig,
    place: int,  # noqa: ARG001 - every factory is given one; a bus serves all
) -> AsyncIterator[ModbusBus]:
    """Open a TCP bus; it is dialled at the first read."""
    ear = Ear()
    client = AsyncModbusTcpClient(
        settings.host,
        port=settings.port,
        timeout=settings.timeout_s,
        retries=0,
        reconnect_delay=0,
        trace_packet=ear.pass_on,
    )
    timing = Timing(gone_s=0, pause_s=settings.pause_s, probe_s=settings.probe_s, numbered=True)
    bus = ModbusBus(client, ear, f"{settings.host}:{settings.port}", timing, rig.clock)
    try:
        yield bus
    finally:
        bus.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How patient a bus is, in seconds; *numbered* where replies carry their request's number.

    *gone_s* after its request no reply is on its way any more.
    """

    gone_s: float
    pause_s: float
    probe_s: float
    numbered: bool


@dataclass(slots=True)
class Unit:
    """What the bus remembers of one unit: misses in a row, and when it may be asked again."""

    misses: int = 0
    not_before: float = 0.0
    """Monotonic second until which a late reply may still come, or a dead unit is left alone."""


class ModbusBus:
    """One line shared by all its units; reads are serialised, urgent ones first."""

    def __init__(
        self,
        client: AsyncModbusSerialClient | AsyncModbusTcpClient,
        ear: Ear,
        name: str,
        timing: Timing,
        clock: Clock,
    ) -> None:
        self.name = name
        self.ear = ear
        self._client = client
        self._timing = timing
        self._clock = clock
        self._turn = Turn()
        self._units: dict[int, Unit] = {}
        self._quiet_at = 0.0

    async def read(
        self, unit: int, function: int, address: int, count: int, *, urgent: bool = False
    ) -> tuple[int, ...]:
        """Read *count* registers from *address* on; *function* is 3 (holding) or 4 (input).

        Raises `MeterSilent` (no reply, or the unit is known to be dead), `MeterImplausible` (a
        reply that cannot belong to the request), `MeterRefused` (an exception code) and `BusLost`
        (no line at all).
        """
        words, _ = await self.read_at(unit, function, address, count, urgent=urgent)
        return words

    async def read_at(
        self, unit: int, function: int, address: int, count: int, *, urgent: bool = False
    ) -> tuple[tuple[int, ...], Instant]:
        """The same, with the moment at which the request went out: the words are no older."""
        known = self._units.setdefault(unit, Unit())
        while True:
            self._refuse_dead(unit, known)
            await self._wait_until(known.not_before)
            async with self._turn.taken(urgent=urgent):
                if self._now() < known.not_before:
                    continue  # it missed while we queued: its late reply must pass first
                await self._wait_until(self._quiet_at)
                await self._dial()
                asked_at = self._clock.now()
                return await self._ask(unit, known, function, address, count), asked_at

    async def listen(self, for_s: float) -> bytes:
        """What comes within *for_s* though nobody is asked; raises `BusLost`."""
        async with self._turn.taken(urgent=False):
            await self._dial()
            self.ear.heard = b""
            await asyncio.sleep(for_s)
            return self.ear.heard

    async def write(self, unit: int, address: int, values: Sequence[int]) -> None:
        """Write *values* to the holding registers from *address* on: see `write_wanted`."""
        await self.write_wanted(unit, address, lambda: values)

    async def write_wanted(
        self, unit: int, address: int, wanted: Callable[[], Sequence[int]]
    ) -> None:
        """Write to the holding registers from *address* on (function 16), before all else.

        What is *wanted* is asked when the line is free for it: nobody writes what is not true any
        more.

        A write may take a car its current, so it overtakes every read that waits, and neither this
        unit's late replies nor its next probe keep it: it is on the line after one exchange that
        was under way and the writes before it, each at most `timeout_s + pause_s` long; a TCP
        connection that has to be dialled costs another `timeout_s`.

        The confirmation repeats the address and not the values: who must be sure reads them back.
        Raises as `read` does.
        """
        known = self._units.setdefault(unit, Unit())
        async with self._turn.taken_first():
            await self._wait_until(self._quiet_at)
            await self._dial()
            values = wanted()
            answered, gone_at = False, self._now() + self._timing.gone_s
            try:
                reply = await self._put(unit, address, values)
                answered = reply.isError() or _confirms(reply, address, len(values))
            finally:
                self._quiet_at = self._now() + self._timing.pause_s
                self._note(unit, known, gone_at, answered=answered)
        if reply.isError():
            message = (
                f"unit {unit} on {self.name} refused to write register {address:#06x} with code "
                f"{reply.exception_code}: check its model"
            )
            raise MeterRefused(message, reply.exception_code)
        if not answered:
            message = f"unit {unit} on {self.name} answered a write with something else"
            raise MeterImplausible(message)

    def close(self) -> None:
        """Let the line go."""
        self._client.close()

    async def _ask(
        self, unit: int, known: Unit, function: int, address: int, count: int
    ) -> tuple[int, ...]:
        """One request and its reply; whatever is not a clean reply counts as a miss."""
        answered, gone_at = False, self._now() + self._timing.gone_s
        try:
            reply = await self._exchange(unit, function, address, count)
            self._check(reply, unit, function, count)
            answered = True
        finally:
            # Also when the caller lost patience: the reply may still come, for nobody.
            self._quiet_at = self._now() + self._timing.pause_s
            self._note(unit, known, gone_at, answered=answered)
        if reply.isError():
            message = (
                f"unit {unit} on {self.name} refused registers {address:#06x}…"
                f"{address + count - 1:#06x} with code {reply.exception_code}: check its model"
            )
            raise MeterRefused(message, reply.exception_code)
        return tuple(reply.registers)

    def _check(self, reply: ModbusPDU, unit: int, function: int, count: int) -> None:
        """Raise for a reply that belongs to another request, or comes from a gateway in between."""
        if reply.isError() and reply.exception_code in GATEWAY:
            raise MeterSilent(f"{self.name} has no answer from unit {unit}: {LOOK}")
        wrong = reply.function_code & ~EXCEPTION != function
        if wrong or (not reply.isError() and len(reply.registers) != count):
            message = (
                f"unit {unit} on {self.name} answered {len(reply.registers)} registers of function "
                f"{reply.function_code} to a request for {count} of {function}: a late reply, "
                "thrown away"
            )
            raise MeterImplausible(message)
        size = HEAD + (2 if reply.isError() else 2 + 2 * count)
        if self._timing.numbered and len(self.ear.heard) != size:
            # Half a frame and the beginning of another make a whole one, and TCP has no checksum.
            raise MeterImplausible(f"{self.name} sent more than one reply: dialled anew")

    async def _exchange(self, unit: int, function: int, address: int, count: int) -> ModbusPDU:
        """Put one request on the line and wait for what pymodbus takes for its reply."""
        ask = (
            self._client.read_holding_registers
            if function == 3  # noqa: PLR2004 - Modbus function code
            else self._client.read_input_registers
        )
        try:
            return await _or_cancelled(ask(address, count=count, device_id=unit))
        except ModbusException as error:
            raise self._silence(unit) from error

    async def _put(self, unit: int, address: int, values: Sequence[int]) -> ModbusPDU:
        try:
            return await _or_cancelled(
                self._client.write_registers(address, list(values), device_id=unit)
            )
        except ModbusException as error:
            raise self._silence(unit) from error

    def _silence(self, unit: int) -> DriverError:
        """What it means that nobody answered."""
        if not self._client.connected:
            return BusLost(f"{self.name} went away: check the adapter and its cable")
        return MeterSilent(f"unit {unit} on {self.name} is silent: {LOOK}")

    async def _dial(self) -> None:
        """Open the line if it is not; bytes that lay in its buffer are dropped."""
        if self._client.connected:
            return
        try:
            opened = await self._client.connect()
        except termios.error:  # a serial port that vanishes while it is set up
            opened = False
        if not opened:
            raise BusLost(
                f"{self.name} cannot be opened: check the adapter, its name and its cable"
            )
        log.info("bus_opened", bus=self.name)
        await asyncio.sleep(OPEN_S)

    def _note(self, unit: int, known: Unit, gone_at: float, *, answered: bool) -> None:
        """Remember how the exchange went; until *gone_at* its reply may come."""
        if answered:
            known.misses = 0
            # Alive: no need to wait for its probe, but for what may be late from before a write.
            known.not_before = min(known.not_before, self._now() + self._timing.gone_s)
            return
        known.misses += 1
        known.not_before = gone_at
        if known.misses >= MISSES_TILL_DEAD:
            known.not_before = max(gone_at, self._now() + self._timing.probe_s)
        if known.misses == MISSES_TILL_DEAD:
            log.warning("unit_given_up", bus=self.name, unit=unit, probe_s=self._timing.probe_s)
        if self._timing.numbered:
            self._client.close()

    def _refuse_dead(self, unit: int, known: Unit) -> None:
        """Spare the bus another time-out while a dead unit is not due for its probe."""
        if known.misses >= MISSES_TILL_DEAD and self._now() < known.not_before:
            raise MeterSilent(f"unit {unit} on {self.name} is silent: {LOOK}")

    async def _wait_until(self, moment: float) -> None:
        """Wait until about *moment* (monotonic)."""
        left_s = moment - self._now()
        if left_s > 0:
            await asyncio.sleep(left_s)

    def _now(self) -> float:
        return self._clock.now().monotonic


def _confirms(reply: ModbusPDU, address: int, count: int) -> bool:
    """Whether *reply* is that of a write of so many registers there, not a late one to a read."""
    return (reply.function_code, reply.address, reply.count) == (WRITES, address, count)


async def _or_cancelled(exchange: Awaitable[ModbusPDU]) -> ModbusPDU:
    """Await *exchange*; who is cancelled while its reply comes is cancelled.

    `asyncio.wait_for`, by which pymodbus waits, forgets that before Python 3.12.
    """
    task = asyncio.current_task()
    assert task is not None  # a coroutine runs in one
    before = task.cancelling()  # cleaning up in a task that was cancelled is well
    reply = await exchange
    if task.cancelling() > before:
        raise asyncio.CancelledError
    return reply

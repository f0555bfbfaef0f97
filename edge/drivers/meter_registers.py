"""The registers of one unit on a bus, read in as few requests as this very unit takes.

Long requests save time, but some units refuse the holes between their registers, and some answer no
more than about ten at once, or nothing at all. A block that a unit has never answered is asked for
register by register once it was refused twice, or twice left unanswered while the unit lives; a
register that it refuses even alone is one that it does not have, and is left out. What was answered
once is never given up: a refusal then is a fault of the moment.

Energy is asked first, and the moment at which its request goes out is the age of all values: none
of them is older.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import structlog

from edge.core.instant import Instant
from edge.drivers.meter_model import ENERGY, Block, Mark, Model, Quantity, blocks, say, value
from edge.drivers.modbus import ModbusBus
from edge.errors import MeterImplausible, MeterRefused, MeterSilent

ADDRESS, VALUE = 2, 3  # Modbus exceptions that say: not these registers, not so many of them
ACKNOWLEDGE, BUSY = 5, 6  # those that say: not now
TRIES: Final = 2  # one refusal or silence is noise

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Request:
    """One block, what it brings, and what this unit has made of it."""

    block: Block
    quantities: tuple[Quantity, ...]
    answered: bool = False
    refusals: int = 0
    silences: int = 0


class MeterRegisters:
    """All quantities of *model* at *unit* of *bus*."""

    def __init__(self, model: Model, bus: ModbusBus, unit: int) -> None:
        self._model = model
        self._bus = bus
        self._unit = unit
        self._requests: list[Request] = []
        self.forget()

    def forget(self) -> None:
        """Begin with the longest blocks again: another unit may be there now."""
        model = self._model
        self._requests = [
            Request(block, tuple(each for each in model.registers if model.is_in(block, each)))
            for block in blocks(model)
        ]

    async def read(self, *, urgent: bool) -> tuple[Mapping[Quantity, Decimal], Instant]:
        """All that the unit measures, and the moment than which nothing of it is older.

        Raises what the bus raises, and `MeterImplausible` for what no such meter can measure.
        """
        words: dict[tuple[int, int], int] = {}
        asked_at: Instant | None = None
        waiting = deque(self._requests)
        while waiting:
            request = waiting.popleft()
            try:
                got, at = await self._ask(request.block, urgent=urgent)
            except MeterRefused as refusal:
                waiting.extendleft(reversed(self._refused(request, refusal)))
                continue
            except MeterSilent:
                self._left_unanswered(request)
                raise
            request.answered = True
            asked_at = asked_at or at
            block = request.block
            words |= {(block.function, block.address + n): word for n, word in enumerate(got)}
        assert asked_at is not None  # energy's request is never dropped
        return self._values(words), asked_at

    async def mark(self, mark: Mark, *, urgent: bool) -> str | None:
        """What *mark* says, as text; `None` if the unit has none.

        Raises what the bus raises, and for a unit that is busy: it has not said what it has.
        """
        try:
            words = await self._bus.read(
                self._unit, mark.function, mark.address, mark.count, urgent=urgent
            )
        except MeterRefused as refusal:
            if refusal.code in (ACKNOWLEDGE, BUSY):
                raise
            return None
        return str(say(mark, words)) or None

    async def _ask(self, block: Block, *, urgent: bool) -> tuple[tuple[int, ...], Instant]:
        return await self._bus.read_at(
            self._unit, block.function, block.address, block.count, urgent=urgent
        )

    def _refused(self, request: Request, refusal: MeterRefused) -> list[Request]:
        """What to ask instead; raises *refusal* where there is nothing."""
        has_energy = ENERGY in request.quantities
        if request not in self._requests:  # a read that was asked for between polls was faster
            wanted = set(request.quantities)
            instead = [each for each in self._requests if wanted.issuperset(each.quantities)]
            if has_energy and not instead:
                raise refusal
            return instead
        if request.answered or refusal.code not in (ADDRESS, VALUE):
            raise refusal
        request.refusals += 1
        if request.refusals < TRIES:
            return [request]
        if self._is_long(request):
            return self._split(request)
        if has_energy:
            raise refusal
        log.info("register_missing", unit=self._unit, quantity=request.quantities[0])
        self._requests.remove(request)
        return []

    def _left_unanswered(self, request: Request) -> None:
        """A block that is too long for the unit would leave it silent for good."""
        alive = any(other.answered for other in self._requests)
        if request.answered or not alive or request not in self._requests:
            return
        request.silences += 1
        if request.silences >= TRIES and self._is_long(request):
            self._split(request)

    def _is_long(self, request: Request) -> bool:
        """Whether less could be asked for at once."""
        first = self._model.registers[request.quantities[0]]
        return len(request.quantities) > 1 or request.block.count > first.words

    def _split(self, request: Request) -> list[Request]:
        """Put single registers in the place of *request*, energy's first."""
        singles = [
            Request(self._block(quantity), (quantity,))
            for quantity in sorted(request.quantities, key=lambda each: each != ENERGY)
        ]
        place = self._requests.index(request)
        self._requests[place : place + 1] = singles
        log.info("block_split", unit=self._unit, address=request.block.address, into=len(singles))
        return singles

    def _block(self, quantity: Quantity) -> Block:
        register = self._model.registers[quantity]
        return Block(self._model.function_of(register), register.address, register.words)

    def _values(self, words: Mapping[tuple[int, int], int]) -> dict[Quantity, Decimal]:
        """Decode what was read; raises `MeterImplausible`."""
        values: dict[Quantity, Decimal] = {}
        for quantity, register in self._model.registers.items():
            places = [
                (self._model.function_of(register), register.address + n)
                for n in range(register.words)
            ]
            if not all(place in words for place in places):
                continue  # this unit does not have it
            found = value(self._model, quantity, [words[place] for place in places])
            if found is not None:
                values[quantity] = found
        if ENERGY not in values:
            raise MeterImplausible("its energy register says nothing: check the meter's model")
        return values

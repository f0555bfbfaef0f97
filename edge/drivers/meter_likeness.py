"""Which model a unit is: by what its marks say, else by whose registers make sense there.

A mark that says a model's own word makes it certain, if the model's registers can be read as well.
Where no mark does, every model is tried: all of its registers must be there and say what a meter
can measure, with a voltage and a frequency that a grid has; the model of which most is there is the
likeliest. Reads only, never writes.

A reply that comes damaged is asked for again. On a bad cable it comes whole sooner or later; where
two units have one id, the same question brings damage each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from edge.drivers.meter_model import (
    ENERGY,
    Mark,
    Model,
    Quantity,
    Register,
    bundled,
    fits,
    load,
    say,
    value,
)
from edge.drivers.modbus import ModbusBus
from edge.errors import MeterImplausible, MeterRefused, MeterSilent

TRIES: Final = 8  # of replies that come damaged
SPOILT: Final = 3  # so many questions, and a third of all, brought only damage: ask no more
ALIVE_V: Final = (80.0, 300.0)  # a meter that answers has at least its own phase connected
GRID_HZ: Final = (45.0, 66.0)

Values = Mapping[Quantity, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What a unit seems to be; *model* is the name of its file, `None` if none fits.

    *others* fit as well; *values* is what the unit measures if it is *model*. *damaged* counts the
    replies that came so; *is_double*: two units answer.
    """

    model: str | None = None
    is_certain: bool = False
    others: tuple[str, ...] = ()
    serial: str | None = None
    values: Values = field(default_factory=dict)
    damaged: int = 0
    is_double: bool = False


async def liken(bus: ModbusBus, unit: int) -> Likeness:
    """Find out what *unit* is; raises `BusLost`."""
    look = _Look(bus, unit)
    try:
        return await _likeness(look)
    except _DoubleError:
        return Likeness(damaged=look.damaged, is_double=True)


async def _likeness(look: _Look) -> Likeness:
    models = {name: load(name) for name in bundled()}
    certain = None
    for name, model in models.items():
        said = None if model.fingerprint is None else await look.mark(model.fingerprint)
        if model.fingerprint is not None and said is not None and fits(model.fingerprint, said):
            certain = name
    tried = models if certain is None else {certain: models[certain]}
    alike: dict[str, Values] = {}
    for name, model in tried.items():
        if name == certain or "voltage_l1_v" in model.registers:  # else all numbers would do
            values = await look.values(model)
            if values is not None:
                alike[name] = values
    if not alike:
        return Likeness(damaged=look.damaged, is_double=look.spoilt > 0)
    best, *rest = sorted(alike, key=lambda name: (-len(alike[name]), _has_mark(models[name]), name))
    mark = models[best].serial
    serial = None if mark is None else await look.mark(mark)
    return Likeness(
        model=best,
        is_certain=best == certain,
        others=tuple(name for name in rest if len(alike[name]) == len(alike[best])),
        serial=None if serial is None else str(serial) or None,
        values=alike[best],
        damaged=look.damaged,
    )


def _has_mark(model: Model) -> bool:
    """Its own word was not said: a model that has none is likelier."""
    return model.fingerprint is not None


class _DoubleError(Exception):
    """Two units answer at once."""


class _Look:
    """Reads of one unit, each made once; what it does not give is `None`."""

    def __init__(self, bus: ModbusBus, unit: int) -> None:
        self._bus = bus
        self._unit = unit
        self._known: dict[tuple[int, int, int], tuple[int, ...] | None] = {}
        self.spoilt = 0
        self.damaged = 0

    async def mark(self, mark: Mark) -> int | str | None:
        """What *mark* says."""
        words = await self._words(mark.function, mark.address, mark.count)
        try:
            return None if words is None else say(mark, words)
        except MeterImplausible:
            return None

    async def values(self, model: Model) -> Values | None:
        """What the unit measures if it is a *model*; `None` if it cannot be one."""
        values: dict[Quantity, Decimal] = {}
        for quantity, register in sorted(model.registers.items(), key=_telling):
            function = model.function_of(register)
            words = await self._words(function, register.address, register.words)
            try:
                found = None if words is None else value(model, quantity, words)
            except MeterImplausible:
                return None
            if words is None or not _is_alive(quantity, found):
                return None
            if found is not None:
                values[quantity] = found
        return values

    async def _words(self, *place: int) -> tuple[int, ...] | None:
        function, address, count = place
        if (function, address, count) not in self._known:
            self._known[function, address, count] = await self._read(function, address, count)
        return self._known[function, address, count]

    async def _read(self, function: int, address: int, count: int) -> tuple[int, ...] | None:
        """As often as its replies are damaged, but not for ever."""
        for _ in range(TRIES):
            try:
                return await self._bus.read(self._unit, function, address, count)
            except MeterRefused:
                return None
            except (MeterSilent, MeterImplausible):
                if not self._bus.ear.heard.removeprefix(self._bus.ear.sent):
                    return None
                self.damaged += 1
        self.spoilt += 1
        if self.spoilt >= max(SPOILT, len(self._known) / SPOILT):
            raise _DoubleError
        return None


def _telling(item: tuple[Quantity, Register]) -> tuple[bool, str]:
    """Voltage and frequency first: they tell most of what a unit is not."""
    quantity, _ = item
    return quantity not in ("voltage_l1_v", "frequency_hz"), quantity


def _is_alive(quantity: Quantity, found: Decimal | None) -> bool:
    """Whether a meter that answers can say this of *quantity*."""
    if quantity == "voltage_l1_v":
        return found is not None and ALIVE_V[0] <= found <= ALIVE_V[1]
    if quantity == "frequency_hz":
        return found is not None and GRID_HZ[0] <= found <= GRID_HZ[1]
    return quantity != ENERGY or found is not None

"""Which model a unit is: by what its marks say, else by whose registers make sense there.

A mark that says a model's own word makes it certain. Where no mark does, every model is tried: all
of its registers must be there and say what a meter can measure, with a voltage and a frequency that
a grid has; the model of which most is there is the likeliest. Reads only, never writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from edge.errors import BusLost, DriverError, MeterImplausible

ALIVE_V: Final = (80.0, 300.0)  # a meter that answers has at least its own phase connected
GRID_HZ: Final = (45.0, 66.0)

Values = Mapping[Quantity, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What a unit seems to be; *model* is the name of its file, `None` if none fits.

    *others* fit as well; *values* is what the unit measures if it is *model*.
    """

    model: str | None
    is_certain: bool
    others: tuple[str, ...]
    serial: str | None
    values: Values


async def liken(bus: ModbusBus, unit: int) -> Likeness:
    """Find out what *unit* is; raises `BusLost`."""
    look = _Look(bus, unit)
    models = {name: load(name) for name in bundled()}
    for name, model in models.items():
        if model.fingerprint is not None:
            said = await look.mark(model.fingerprint)
            if said is not None and fits(model.fingerprint, said):
                values = await look.values(model)
                return await _likeness(look, name, model, values or {}, is_certain=True)
    found = {name: await look.values(model) for name, model in models.items()}
    alike = {name: values for name, values in found.items() if values is not None}
    if not alike:
        return Likeness(model=None, is_certain=False, others=(), serial=None, values={})
    best, *rest = sorted(alike, key=lambda name: (-len(alike[name]), _has_mark(models[name]), name))
    same = tuple(name for name in rest if len(alike[name]) == len(alike[best]))
    return await _likeness(look, best, models[best], alike[best], others=same)


async def _likeness(
    look: _Look,
    name: str,
    model: Model,
    values: Values,
    *,
    is_certain: bool = False,
    others: tuple[str, ...] = (),
) -> Likeness:
    said = None if model.serial is None else await look.mark(model.serial)
    serial = None if said is None else str(said) or None
    return Likeness(model=name, is_certain=is_certain, others=others, serial=serial, values=values)


def _has_mark(model: Model) -> bool:
    """Its own word was not said: a model that has none is likelier."""
    return model.fingerprint is not None


class _Look:
    """Reads of one unit, each made once; what it does not give is `None`."""

    def __init__(self, bus: ModbusBus, unit: int) -> None:
        self._bus = bus
        self._unit = unit
        self._known: dict[tuple[int, int, int], tuple[int, ...] | None] = {}

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

    async def _words(self, function: int, address: int, count: int) -> tuple[int, ...] | None:
        place = function, address, count
        if place not in self._known:
            try:
                self._known[place] = await self._bus.read(self._unit, *place)
            except BusLost:
                raise
            except DriverError:
                self._known[place] = None
        return self._known[place]


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

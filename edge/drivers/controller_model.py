"""What a controller model is: a data file that says which register means what.

One TOML file per model in `edge/drivers/controllers/`: `name`, `source` (where the map comes from)
and the tables `[limit]` (amperes that it may signal, written and read back), `[state]` (its raw
values as states of IEC 61851-1, and in which the contactor is closed), and where there are any
`[offered]` (amperes that it signals), `[off]` (opens the contactor at once), `[[faults]]` (a bit
and the trip it stands for) and `prepare` (registers that must hold a value before anybody charges,
its own time-out for a silent master among them).

Quality: the two bundled maps come from public sources named in the files; seen on simulated
controllers only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from edge.core.events import Pilot, Trip
from edge.errors import ConfigError, EvseFailed

LEAST_A: Final = 6.0  # the smallest offer of a pilot (table A.7): less is a pause
LONGEST: Final = 16  # registers in one request; a hole this wide costs less than another request

Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
Word = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One 16-bit register: value = raw x *scale*; *function* 3 reads holding, 4 input registers."""

    address: Address
    function: Literal[3, 4] = 3
    scale: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class State(Register, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The vehicle's state: *pilot* by raw value, and those in which the contactor is *closed*."""

    pilot: dict[int, Pilot]
    closed: tuple[int, ...]


class Switch(Register, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A register that opens the contactor at once when *engaged* is written."""

    engaged: Word
    released: Word


class Fault(Register, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """*trip* is there while any bit of *mask* is set."""

    mask: Word
    trip: Trip


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The holding register at *address* must hold *value*."""

    address: Address
    value: Word


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One controller model, as its file says."""

    name: str
    source: str
    limit: Register
    state: State
    offered: Register | None = None
    off: Switch | None = None
    faults: tuple[Fault, ...] = ()
    prepare: tuple[Setting, ...] = ()

    def registers(self) -> Iterator[Register]:
        """All that are polled."""
        yield from (self.limit, self.state, *self.faults)
        yield from (each for each in (self.offered, self.off) if each is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Neighbouring registers that are read in one request."""

    function: int
    address: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What a controller shows: its registers put into our words.

    *releases*: the car asks and is offered nothing any more; how long a contactor that was closed
    stays so, the registers do not tell.
    """

    limit: int
    is_off: bool
    pilot: Pilot
    closed: bool
    releases: bool
    trips: frozenset[Trip]


Words = Mapping[tuple[int, int], int]
"""Raw registers by function and address."""


def load(model: str) -> Model:
    """Read a bundled model by name (`evse_din`), or any file by its path; raises `ConfigError`."""
    bundled = files("edge.drivers") / "controllers"
    source = Path(model) if "/" in model else bundled / f"{model}.toml"
    try:
        return msgspec.toml.decode(source.read_bytes(), type=Model)
    except FileNotFoundError as error:
        names = sorted(each.name.removesuffix(".toml") for each in bundled.iterdir())
        message = f'there is no controller model "{model}": bundled are {", ".join(names)}'
        raise ConfigError(message) from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"controller model {source}: {error}") from error


def blocks(model: Model) -> tuple[Block, ...]:
    """Cover the polled registers with few requests."""
    made: list[Block] = []
    for function, address in sorted({(each.function, each.address) for each in model.registers()}):
        last = made[-1] if made else None
        if last and last.function == function and address < last.address + LONGEST:
            made[-1] = Block(
                function=function, address=last.address, count=address - last.address + 1
            )
        else:
            made.append(Block(function=function, address=address, count=1))
    return tuple(made)


def raw_limit(model: Model, limit_a: float) -> int:
    """What to write to offer *limit_a*, rounded down; less than 6 A is 0, a pause."""
    if limit_a < LEAST_A:
        return 0
    return math.floor(limit_a / model.limit.scale + 1e-6)  # 16 / 0.1 is a hair above 159


def interpret(model: Model, words: Words) -> Face:
    """The registers' meaning; raises `EvseFailed` for a state that the model does not know."""

    def raw(register: Register) -> int:
        return words[register.function, register.address]

    state = raw(model.state)
    pilot = model.state.pilot.get(state)
    if pilot is None:
        message = f"{model.name} shows state {state}, which its model does not know"
        raise EvseFailed(message)
    signals = model.offered is None or raw(model.offered) > 0
    is_off = model.off is not None and raw(model.off) == model.off.engaged
    asks = state in model.state.closed
    return Face(
        limit=raw(model.limit),
        is_off=is_off,
        pilot=pilot,
        closed=asks and signals,
        releases=asks and not signals and not is_off,
        trips=frozenset(each.trip for each in model.faults if raw(each) & each.mask),
    )

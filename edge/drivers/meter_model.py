"""Meter models: what a register-mapped meter keeps where, and what its registers mean.

One file per model in `edge/drivers/meters/`: `name`, `function` (3 holding, 4 input), `word_order`
(`big` = high word first), `refresh_s`, `source` (where the map comes from) and one table
`[registers.QUANTITY]` with `address`, `type` and `scale` for each quantity, where the value in the
quantity's own unit is raw × scale.

Quality: the three bundled maps come from public sources named in the files; seen on simulated
meters only.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from edge.errors import ConfigError, MeterImplausible

Quantity = Literal[
    "energy_import_wh",
    "power_w",
    "voltage_l1_v",
    "voltage_l2_v",
    "voltage_l3_v",
    "current_l1_a",
    "current_l2_a",
    "current_l3_a",
    "frequency_hz",
]
ENERGY: Final = "energy_import_wh"

FORMATS: Final[Mapping[str, str]] = {
    "u16": ">H",
    "i16": ">h",
    "u32": ">I",
    "i32": ">i",
    "u64": ">Q",
    "i64": ">q",
    "f32": ">f",
    "f64": ">d",
}
GAP: Final = 8  # registers worth reading for nothing: a request more costs as long as ten of them
LONGEST: Final = 40  # some SDM72 answer no more, and 40 registers take 100 ms at 9600 baud
TINY: Final = 1e-20  # no quantity is so small: only the halves of swapped words make such numbers
F32_DIGITS: Final = range(6, 10)  # six digits always survive an f32, nine always tell it apart


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One quantity: *address* counts from 0 as on the wire."""

    address: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
    type: Literal["u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"]
    scale: Annotated[float, msgspec.Meta(gt=0)] = 1.0

    @property
    def words(self) -> int:
        """How many 16-bit registers it takes."""
        return struct.calcsize(FORMATS[self.type]) // 2


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One meter model, as its file says."""

    name: str
    function: Literal[3, 4]
    word_order: Literal["big", "little"]
    source: str
    registers: dict[Quantity, Register]
    refresh_s: Annotated[float, msgspec.Meta(gt=0)] = 1.0


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring registers that are read in one request."""

    address: int
    count: int


def load(model: str) -> Model:
    """Read a bundled model by name (`sdm120`), or any file by its path (`/etc/tapwatt/x.toml`).

    Raises `ConfigError`.
    """
    bundled = files("edge.drivers") / "meters"
    is_path = "/" in model
    source = Path(model) if is_path else bundled / f"{model}.toml"
    try:
        found = msgspec.toml.decode(source.read_bytes(), type=Model)
    except FileNotFoundError as error:
        names = sorted(each.name.removesuffix(".toml") for each in bundled.iterdir())
        message = f'there is no meter model "{model}": bundled are {", ".join(names)}'
        raise ConfigError(message) from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"meter model {source}: {error}") from error
    if ENERGY not in found.registers:
        raise ConfigError(f"meter model {source} has no [registers.{ENERGY}]: nothing to bill by")
    return found


def blocks(model: Model) -> tuple[Block, ...]:
    """Cover the model's registers with few requests, no two of the same length, energy's last.

    The lengths differ so that a late reply to one block can never pass for another's
    (devices.md 3.2); a block that has a double is read one register longer.
    """
    spans: list[tuple[int, int]] = []
    for each in sorted(model.registers.values(), key=lambda register: register.address):
        end = each.address + each.words
        if spans and each.address - spans[-1][1] <= GAP and end - spans[-1][0] <= LONGEST:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((each.address, end))
    energy = model.registers[ENERGY].address
    spans.sort(key=lambda span: span[0] <= energy < span[1])
    taken: set[int] = set()
    made: list[Block] = []
    for start, end in reversed(spans):  # energy's block keeps its own length
        count = end - start
        while count in taken:
            count += 1
        taken.add(count)
        made.append(Block(start, count))
    return tuple(reversed(made))


def decode(register: Register, words: Sequence[int], word_order: str) -> Decimal:
    """Raw 16-bit *words* to the quantity's own unit, exactly.

    Raises `MeterImplausible` for not-a-number and for the tiny numbers that swapped words make.
    """
    ordered = words if word_order == "big" else tuple(reversed(words))
    raw = struct.pack(f">{len(ordered)}H", *ordered)
    (value,) = struct.unpack(FORMATS[register.type], raw)
    scale = Decimal(repr(register.scale))
    if isinstance(value, int):
        return value * scale
    if not math.isfinite(value) or 0 < abs(value) < TINY:
        raise MeterImplausible(f"{value} is no measurement: check the meter's model and word order")
    return Decimal(_shortest(value) if register.type == "f32" else repr(value)) * scale


def _shortest(value: float) -> str:
    """The shortest decimal that an f32 stores as *value*: the meter meant 0.7, not 0.69999999."""
    for digits in F32_DIGITS:
        text = f"{value:.{digits}g}"
        if struct.unpack(">f", struct.pack(">f", float(text)))[0] == value:
            return text
    return repr(value)

"""Meter models: what a register-mapped meter keeps where, and what its registers mean.

One file per model in `edge/drivers/meters/`:
  * `name`, `function` (3 holding, 4 input), `word_order` (`big` = high word first), `refresh_s`,
    `source` (where the map comes from);
  * `[registers.QUANTITY]` for each quantity: `address`, `type`, `unit` and `scale`, where the value
    in `unit` is raw × scale; `function` and `word_order` where they differ from the model's;
  * `[plausible]`: what no reading of this model can lie outside of;
  * `[fingerprint]`: a register that tells the model, and what it says; `[serial]`: its number.

Quality: the bundled maps come from public sources named in the files; seen on simulated meters
only.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from edge.errors import ConfigError, MeterImplausible, meant

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
Measured = Literal["power_w", "voltage_v", "current_a", "frequency_hz"]
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
UNITS: Final[Mapping[str, tuple[str, int]]] = {
    "V": ("v", 1),
    "A": ("a", 1),
    "W": ("w", 1),
    "kW": ("w", 1000),
    "Hz": ("hz", 1),
    "Wh": ("wh", 1),
    "kWh": ("wh", 1000),
}
"""A register's unit -> the last word of the quantities that it suits, and how many of theirs."""

GAP: Final = 8  # registers worth reading for nothing: a request more costs as long as ten of them
LONGEST: Final = 40  # some SDM72 answer no more, and 40 registers take 100 ms at 9600 baud
MOST_WH: Final = 1e12  # no register here counts as far: beyond it is garbage, or beyond 64 bits
TINY: Final = 1e-20  # no quantity is so small: only the halves of swapped words make such numbers
F32_DIGITS: Final = range(6, 10)  # six digits always survive an f32, nine always tell it apart

Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
Function = Literal[3, 4]
WordOrder = Literal["big", "little"]


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One quantity: *address* counts from 0 as on the wire; *unit* defaults to its quantity's.

    *or_tenfold*: some units show ten times as much (openWB packages/modules/common/sdm.py).
    """

    address: Address
    type: Literal["u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"]
    scale: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    unit: Literal["V", "A", "W", "kW", "Hz", "Wh", "kWh"] | None = None
    function: Function | None = None
    word_order: WordOrder | None = None
    or_tenfold: bool = False

    @property
    def words(self) -> int:
        """How many 16-bit registers it takes."""
        return struct.calcsize(FORMATS[self.type]) // 2

    @property
    def factor(self) -> Decimal:
        """What a raw 1 is in the quantity's own unit."""
        per_unit = 1 if self.unit is None else UNITS[self.unit][1]
        return Decimal(repr(self.scale)) * per_unit


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A register that says which meter this is: a number, or *words* registers of ASCII text."""

    function: Function
    address: Address
    type: Literal["u16", "u32", "text"]
    words: Annotated[int, msgspec.Meta(ge=1, le=LONGEST)] = 1

    @property
    def count(self) -> int:
        """How many 16-bit registers it takes."""
        return {"u16": 1, "u32": 2, "text": self.words}[self.type]


class Fingerprint(Mark, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the mark of this model says: one of *expected*, texts by their beginning."""

    expected: tuple[int | str, ...]


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One meter model, as its file says.

    *most_is_absent*: the largest number of a register's type says that it is not measured.
    """

    name: str
    function: Function
    word_order: WordOrder
    source: str
    registers: dict[Quantity, Register]
    refresh_s: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    plausible: dict[Measured, tuple[float, float]] = {}
    fingerprint: Fingerprint | None = None
    serial: Mark | None = None
    most_is_absent: bool = False

    def function_of(self, register: Register) -> int:
        """The Modbus function that reads *register*."""
        return register.function or self.function

    def is_in(self, block: Block, quantity: Quantity) -> bool:
        """Whether *block* brings all of *quantity*."""
        register = self.registers[quantity]
        return self.function_of(register) == block.function and (
            block.address <= register.address
            and register.address + register.words <= block.address + block.count
        )


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring registers that are read in one request."""

    function: int
    address: int
    count: int


WIDEST: Final[Mapping[Measured, tuple[float, float]]] = {
    "voltage_v": (-500.0, 500.0),
    "current_a": (-400.0, 400.0),
    "frequency_hz": (0.0, 70.0),
    "power_w": (-500_000.0, 500_000.0),
}
"""No low-voltage connection has more: what lies outside is swapped words or a wrong model."""


def bundled() -> tuple[str, ...]:
    """The names of all models that come with the program, sorted."""
    folder = files("edge.drivers") / "meters"
    return tuple(sorted(each.name.removesuffix(".toml") for each in folder.iterdir()))


def load(model: str) -> Model:
    """Read a bundled model by name (`sdm120`), or any file by its path (`/etc/tapwatt/x.toml`).

    Raises `ConfigError`.
    """
    is_path = "/" in model
    folder = files("edge.drivers") / "meters"
    source = Path(model) if is_path else folder / f"{model}.toml"
    try:
        found = msgspec.toml.decode(source.read_bytes(), type=Model)
    except FileNotFoundError as error:
        known = bundled()
        message = (
            f'there is no meter model "{model}"{meant(model, known)}: '
            f"bundled are {', '.join(known)}"
        )
        raise ConfigError(message) from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"meter model {source}: {error}") from error
    if ENERGY not in found.registers:
        raise ConfigError(f"meter model {source} has no [registers.{ENERGY}]: nothing to bill by")
    for quantity, register in found.registers.items():
        if register.unit is not None and UNITS[register.unit][0] != quantity.rsplit("_", 1)[1]:
            message = f"meter model {source}: {quantity} cannot be told in {register.unit}"
            raise ConfigError(message)
    return found


def blocks(model: Model) -> tuple[Block, ...]:
    """Cover the model's registers with few requests, no two of the same length, energy's first.

    The lengths differ so that a late reply to one block can never pass for another's
    (devices.md 3.2); a block that has a double is read a register or two longer.
    """
    natural: list[Block] = []
    for function in (3, 4):
        own = [each for each in model.registers.values() if model.function_of(each) == function]
        natural += (Block(function, start, end - start) for start, end in _spans(own))
    natural.sort(key=lambda block: not model.is_in(block, ENERGY))
    step = 1 if any(each.words % 2 for each in model.registers.values()) else 2
    made: list[Block] = []
    for block in natural:  # energy's block keeps its own length
        count = block.count
        while count in {other.count for other in made}:
            count += step
        made.append(replace(block, count=count))
    return tuple(made)


def _spans(registers: Sequence[Register]) -> list[tuple[int, int]]:
    """First and end address of each run of neighbours that one request can read."""
    spans: list[tuple[int, int]] = []
    for each in sorted(registers, key=lambda register: register.address):
        end = each.address + each.words
        if spans and each.address - spans[-1][1] <= GAP and end - spans[-1][0] <= LONGEST:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((each.address, end))
    return spans


def value(model: Model, quantity: Quantity, words: Sequence[int]) -> Decimal | None:
    """What *words* say of *quantity*, exactly, in its own unit; `None`: it is not measured.

    Raises `MeterImplausible` for what no such meter can measure.
    """
    register = model.registers[quantity]
    order = register.word_order or model.word_order
    ordered = tuple(words) if order == "big" else tuple(reversed(words))
    if model.most_is_absent and _is_most(register, ordered):
        return None
    found = decode(register, ordered, "big")
    if found is None:
        return None
    least, most = _range(model, quantity)
    if register.or_tenfold and least <= found / 10 <= most < found:
        return found / 10
    if not least <= found <= most:
        raise MeterImplausible(f"{quantity} = {float(found):g}: check the meter's model")
    return found


def decode(register: Register, words: Sequence[int], word_order: str) -> Decimal | None:
    """Raw 16-bit *words* to the quantity's own unit, exactly; `None` for not-a-number.

    Raises `MeterImplausible` for infinity and for the tiny numbers that swapped words make.
    """
    ordered = words if word_order == "big" else tuple(reversed(words))
    raw = struct.pack(f">{len(ordered)}H", *ordered)
    (number,) = struct.unpack(FORMATS[register.type], raw)
    if isinstance(number, int):
        return number * register.factor
    if math.isnan(number):
        return None
    if math.isinf(number) or 0 < abs(number) < TINY:
        message = f"{number} is no measurement: check the meter's model and word order"
        raise MeterImplausible(message)
    text = _shortest(number) if register.type == "f32" else repr(number)
    return Decimal(text) * register.factor


def say(mark: Mark, words: Sequence[int]) -> int | str:
    """What a mark of these *words* says; raises `MeterImplausible` for text that is none.

    Some pad their text with zeros at its end, some before each character.
    """
    raw = struct.pack(f">{len(words)}H", *words)
    if mark.type != "text":
        return int.from_bytes(raw, "big")
    try:
        text = raw.replace(b"\0", b"").decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise MeterImplausible(f"{raw!r} is no text: check the meter's model") from error
    if not text.isprintable():
        raise MeterImplausible(f"{raw!r} is no text: check the meter's model")
    return text


def fits(fingerprint: Fingerprint, said: int | str) -> bool:
    """Whether what the mark *said* is this model's."""
    return any(
        said.startswith(each) if isinstance(said, str) and isinstance(each, str) else said == each
        for each in fingerprint.expected
    )


def _range(model: Model, quantity: Quantity) -> tuple[float, float]:
    """What *quantity* can be; within what a register counts, energy is judged by its growth."""
    if quantity == ENERGY:
        return 0.0, MOST_WH
    measured = next(each for each in WIDEST if each.split("_")[0] == quantity.split("_")[0])
    return model.plausible.get(measured, WIDEST[measured])


def _is_most(register: Register, words: tuple[int, ...]) -> bool:
    """Whether *words*, high one first, are the largest number of their type: 0xFF…, or 0x7FFF…."""
    high = 0x7FFF if register.type.startswith("i") else 0xFFFF
    return words == (high, *[0xFFFF] * (len(words) - 1))


def _shortest(number: float) -> str:
    """The shortest decimal that an f32 stores as *number*: the meter meant 0.7, not 0.69999999."""
    for digits in F32_DIGITS:
        text = f"{number:.{digits}g}"
        if struct.unpack(">f", struct.pack(">f", float(text)))[0] == number:
            return text
    return repr(number)

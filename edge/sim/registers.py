"""A real meter model's register map, filled with what a simulated meter measures.

Reads the same `meters/<model>.toml` as the driver, by code of its own: mistakes in either show.
"""

from __future__ import annotations

import math
import struct
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from edge.errors import SimulationError
from edge.sim.outlet import MeterFault
from edge.sim.world import MeterFace

MODELS: Final = Path(__file__).parents[1] / "drivers" / "meters"
PACKED: Final = {
    "u16": ">H",
    "i16": ">h",
    "u32": ">I",
    "i32": ">i",
    "u64": ">Q",
    "i64": ">q",
    "f32": ">f",
    "f64": ">d",
}
PER_UNIT: Final = {"V": 1, "A": 1, "W": 1, "kW": 1000, "Hz": 1, "Wh": 1, "kWh": 1000}
ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
BUSY: Final = 6
ILLEGAL_VALUE: Final = 3
LONGEST_READ: Final = 125  # Modbus application protocol 1.1b3, 6.3
SERIAL: Final = 12345678
HAIR_WH: Final = 1e-9  # a float sum just below a whole Wh has reached it


class Refused(SimulationError):
    """The meter answers with the Modbus exception *code*."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


Place = tuple[int, int]
"""Modbus function and address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One quantity on the wire: value in the quantity's own unit = raw * scale."""

    address: int
    type: str
    scale: float = 1.0
    function: int = 4
    little: bool = False

    @property
    def words(self) -> int:
        """Registers that the value fills."""
        return struct.calcsize(PACKED[self.type]) // 2

    def pack(self, value: float, *, swapped: bool = False) -> tuple[int, ...]:
        """The 16-bit words of *value*; *swapped* has them in the wrong order."""
        raw = value / self.scale
        packed = struct.pack(PACKED[self.type], raw if self.type[0] == "f" else _whole(raw))
        words = struct.unpack(f">{self.words}H", packed)
        return words[::-1] if self.little != swapped else words


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterModel:
    """What a model's file says; `marks` are the words that tell which meter it is."""

    name: str
    refresh_s: float
    registers: dict[str, Register]
    marks: dict[Place, int]

    def image(self, face: MeterFace, *, swapped: bool = False) -> dict[Place, int]:
        """All registers of *face*; *swapped* gives each value its words in the wrong order."""
        image = dict(self.marks)
        for quantity, register in self.registers.items():
            words = register.pack(measure(face, quantity), swapped=swapped)
            image |= _placed(register.function, register.address, words)
        return image


def load_model(model: str, folder: Path = MODELS, *, serial: int = SERIAL) -> MeterModel:
    """Read a bundled model's file, or the one at a path; raises `SimulationError`."""
    path = Path(model) if "/" in model else folder / f"{model}.toml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in folder.glob("*.toml")))
        raise SimulationError(f"there is no meter model {model!r}: choose one of {known}")
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    marks: dict[Place, int] = {}
    if "serial" in content:
        marks |= _marked(content["serial"], serial)
    if "fingerprint" in content:
        marks |= _marked(content["fingerprint"], content["fingerprint"]["expected"][0])
    return MeterModel(
        name=content["name"],
        refresh_s=content["refresh_s"],
        registers={
            name: Register(
                address=r["address"],
                type=r["type"],
                scale=r.get("scale", 1.0) * PER_UNIT[r["unit"]],
                function=r.get("function", content["function"]),
                little=r.get("word_order", content["word_order"]) == "little",
            )
            for name, r in content["registers"].items()
        },
        marks=marks,
    )


def step_wh_of(model: str) -> float:
    """What the energy register of *model* counts in; no meter here shows less than a whole Wh."""
    register = load_model(model).registers["energy_import_wh"]
    return 1.0 if register.type[0] == "f" else max(register.scale, 1.0)


def _marked(mark: dict[str, Any], said: int | str) -> dict[Place, int]:
    """The words of a mark that says *said*."""
    size = {"u16": 2, "u32": 4, "text": 2 * mark.get("words", 1)}[mark["type"]]
    raw = (
        str(said).encode("ascii").ljust(size, b"\0")
        if mark["type"] == "text"
        else int(said).to_bytes(size, "big")
    )
    return _placed(mark["function"], mark["address"], struct.unpack(f">{size // 2}H", raw))


def _placed(function: int, address: int, words: Sequence[int]) -> dict[Place, int]:
    return {(function, address + place): word for place, word in enumerate(words)}


def measure(face: MeterFace, quantity: str) -> float:
    """The value of *quantity*; energy is whole Wh: a counter shows no more than it counted."""
    if quantity == "energy_import_wh":
        return float(math.floor(face.energy_wh + HAIR_WH))
    if quantity == "power_w":
        return face.power_w
    if quantity == "frequency_hz":
        return face.frequency_hz
    if quantity.startswith(("voltage_l", "current_l")):
        phase = int(quantity[len("voltage_l")]) - 1
        return (face.voltage_v if quantity.startswith("voltage") else face.current_a)[phase]
    return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a meter answers: *longest* is the most it tells at once.

    *has_holes*: addresses between its registers are refused; else they read as zero.
    """

    longest: int = LONGEST_READ
    has_holes: bool = False

    def answer(
        self, image: Mapping[Place, int], function: int, address: int, count: int
    ) -> list[int]:
        """What a meter that shows *image* answers; raises `Refused`."""
        known = [place for of, place in image if of == function]
        if not known:
            raise Refused(ILLEGAL_FUNCTION)
        if not 0 < count <= self.longest:
            raise Refused(ILLEGAL_VALUE)
        wanted = range(address, address + count)
        if wanted.start < min(known) or wanted.stop > max(known) + 1:
            raise Refused(ILLEGAL_ADDRESS)
        if self.has_holes and any((function, place) not in image for place in wanted):
            raise Refused(ILLEGAL_ADDRESS)
        return [image.get((function, place), 0) for place in wanted]


class Answering(Protocol):
    """Something on the bus that has an address of its own."""

    @property
    def fault(self) -> MeterFault:
        """What is wrong with it."""
        ...

    def read(self, function: int, address: int, count: int, now_s: float) -> list[int]:
        """Registers of one request; raises `Refused`."""
        ...


class Unit:
    """One meter on the bus: publishes once per refresh time, as real ones do."""

    def __init__(
        self,
        model: MeterModel,
        face: Callable[[], MeterFace],
        fault: Callable[[], MeterFault],
        *,
        refresh_s: float | None = None,
        manners: Manners = Manners(),
    ) -> None:
        self.model = model
        self._face = face
        self._fault = fault
        self._refresh_s = model.refresh_s if refresh_s is None else refresh_s
        self._manners = manners
        self._image: dict[Place, int] = {}
        self._published_s = -math.inf

    @property
    def fault(self) -> MeterFault:
        """What is wrong with it."""
        return self._fault()

    def renew(self) -> None:
        """Somebody turned the register: show it at once."""
        self._published_s = -math.inf

    def read(self, function: int, address: int, count: int, now_s: float) -> list[int]:
        """Registers of one request; raises `Refused`."""
        fault = self._fault()
        if fault is MeterFault.BUSY:
            raise Refused(BUSY)
        aged = now_s - self._published_s >= self._refresh_s
        if not self._image or (aged and fault is not MeterFault.STUCK):
            self._image = self.model.image(self._face(), swapped=fault is MeterFault.SWAPPED)
            self._published_s = now_s
        return self._manners.answer(self._image, function, address, count)


def _whole(raw: float) -> int:
    """What an integer register shows; a hair of float error must not cost a whole step."""
    nearest = round(raw)
    return nearest if math.isclose(raw, nearest, rel_tol=0.0, abs_tol=1e-6) else math.floor(raw)

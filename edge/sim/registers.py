"""A real meter model's register map, filled with what a simulated meter measures.

Reads the same `meters/<model>.toml` as the driver, by code of its own: mistakes in either show.
"""

from __future__ import annotations

import math
import struct
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
BUSY: Final = 6
LONGEST_READ: Final = 125  # Modbus application protocol 1.1b3, 6.3
HAIR_WH: Final = 1e-9  # a float sum just below a whole Wh has reached it


class Refused(SimulationError):
    """The meter answers with the Modbus exception *code*."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One quantity on the wire: value in its unit = raw * scale."""

    address: int
    type: str
    scale: float = 1.0

    @property
    def words(self) -> int:
        """Registers that the value fills."""
        return struct.calcsize(PACKED[self.type]) // 2

    def pack(self, value: float, *, little: bool) -> tuple[int, ...]:
        """The 16-bit words of *value*, low word first if *little*."""
        raw = value / self.scale
        packed = struct.pack(PACKED[self.type], raw if self.type[0] == "f" else _whole(raw))
        words = struct.unpack(f">{self.words}H", packed)
        return words[::-1] if little else words


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterModel:
    """What a model's file says."""

    name: str
    function: int
    little: bool
    refresh_s: float
    registers: dict[str, Register]

    @property
    def span(self) -> range:
        """Addresses that can be read; holes inside read as zero."""
        first = min(register.address for register in self.registers.values())
        end = max(register.address + register.words for register in self.registers.values())
        return range(first, end)

    def image(self, face: MeterFace, *, swapped: bool = False) -> dict[int, int]:
        """All registers of *face*; *swapped* gives each value its words in the wrong order."""
        image: dict[int, int] = {}
        for quantity, register in self.registers.items():
            words = register.pack(measure(face, quantity), little=self.little != swapped)
            image |= {register.address + place: word for place, word in enumerate(words)}
        return image


def load_model(model: str, folder: Path = MODELS) -> MeterModel:
    """Read a bundled model's file, or the one at a path; raises `SimulationError`."""
    path = Path(model) if "/" in model else folder / f"{model}.toml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in folder.glob("*.toml")))
        raise SimulationError(f"there is no meter model {model!r}: choose one of {known}")
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return MeterModel(
        name=content["name"],
        function=content["function"],
        little=content["word_order"] == "little",
        refresh_s=content["refresh_s"],
        registers={
            name: Register(address=r["address"], type=r["type"], scale=r.get("scale", 1.0))
            for name, r in content["registers"].items()
        },
    )


def step_wh_of(model: str) -> float:
    """What the energy register of *model* counts in; no meter here shows less than a whole Wh."""
    register = load_model(model).registers["energy_import_wh"]
    return 1.0 if register.type[0] == "f" else max(register.scale, 1.0)


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


class Unit:
    """One meter on the bus: publishes once per refresh time, as real ones do."""

    def __init__(
        self,
        model: MeterModel,
        face: Callable[[], MeterFace],
        fault: Callable[[], MeterFault],
        *,
        refresh_s: float | None = None,
    ) -> None:
        self.model = model
        self._face = face
        self._fault = fault
        self._refresh_s = model.refresh_s if refresh_s is None else refresh_s
        self._image: dict[int, int] = {}
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
        if function != self.model.function:
            raise Refused(ILLEGAL_FUNCTION)
        span = self.model.span
        if not 0 < count <= LONGEST_READ or address not in span or address + count > span.stop:
            raise Refused(ILLEGAL_ADDRESS)
        fault = self._fault()
        if fault is MeterFault.BUSY:
            raise Refused(BUSY)
        aged = now_s - self._published_s >= self._refresh_s
        if not self._image or (aged and fault is not MeterFault.STUCK):
            self._image = self.model.image(self._face(), swapped=fault is MeterFault.SWAPPED)
            self._published_s = now_s
        return [self._image.get(place, 0) for place in range(address, address + count)]


def _whole(raw: float) -> int:
    """What an integer register shows; a hair of float error must not cost a whole step."""
    nearest = round(raw)
    return nearest if math.isclose(raw, nearest, rel_tol=0.0, abs_tol=1e-6) else math.floor(raw)

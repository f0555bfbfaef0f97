"""Meters whose registers somebody wrote down word for word: `golden_meters.txt`.

They answer with these words and refuse every other address, as a meter does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge.core.events import MeterRead
from edge.core.quantities import Reading
from edge.drivers.modbus import ModbusBus, RtuSettings, TcpSettings, open_rtu, open_tcp
from edge.drivers.modbus_meter import MeterSettings, open_meter
from edge.sim.modbus import RtuBus, serve_tcp
from edge.sim.outlet import MeterFault
from edge.sim.registers import Answering, Manners, Place
from tests.drivers.rigs import rig, running

GOLDEN = Path(__file__).with_name("golden_meters.txt")
UNIT = 17
PHASES = (1, 2, 3)
WITH_HOLES = Manners(has_holes=True)


@dataclass
class Golden:
    """One meter: `image` is what stands in its registers, `means` what that is, by quantity."""

    image: dict[Place, int] = field(default_factory=dict)
    means: dict[str, str] = field(default_factory=dict)
    manners: Manners = WITH_HOLES
    fault: MeterFault = MeterFault.NONE

    def read(self, function: int, address: int, count: int, now_s: float) -> list[int]:
        """As its kind answers; raises `Refused`."""
        return self.manners.answer(self.image, function, address, count)

    def phases(self, pattern: str) -> tuple[float, ...]:
        """What the quantities of *pattern* are, from L1 up to the first that is not measured."""
        told = [self.means.get(pattern.format(phase), "-") for phase in PHASES]
        return tuple(float(each) for each in told[: (*told, "-").index("-")])

    def one(self, quantity: str) -> float | None:
        """What *quantity* is, `None` if it is not measured."""
        told = self.means.get(quantity, "-")
        return None if told == "-" else float(told)

    def misread(self, reading: Reading) -> list[str]:
        """How *reading* differs from what was written down."""
        pairs = {
            "energy_wh": (reading.energy_wh, int(self.means["energy_import_wh"])),
            "power_w": (reading.power_w, self.one("power_w")),
            "voltage_v": (reading.voltage_v, self.phases("voltage_l{}_v")),
            "current_a": (reading.current_a, self.phases("current_l{}_a")),
            "frequency_hz": (reading.frequency_hz, self.one("frequency_hz")),
            "meter_serial": (reading.meter_serial, self.means.get("serial")),
        }
        return [f"{name} {got} not {meant}" for name, (got, meant) in pairs.items() if got != meant]


def golden_meters() -> dict[str, Golden]:
    """All meters of the file, by model."""
    meters: dict[str, Golden] = {}
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" "):
            model = line.split()[0]
            meters[model] = Golden()
            continue
        function, address, *words, quantity, value = line.split()
        meter = meters[model]
        meter.means[quantity] = value
        first = int(address, 16)
        meter.image |= {(int(function), first + n): int(word, 16) for n, word in enumerate(words)}
    return meters


@asynccontextmanager
async def on_rtu(units: Mapping[int, Answering], **line: float) -> AsyncIterator[ModbusBus]:
    """A real bus driver on a pty with *units*."""
    wire = RtuBus(units)
    fast = {"timeout_s": 0.15, "drain_s": 0.1, "pause_s": 0.0, "probe_s": 0.2} | line
    try:
        async with open_rtu(RtuSettings(port=wire.path, **fast), rig(), 0) as bus:  # type: ignore[arg-type]  # all are seconds
            yield bus
    finally:
        wire.close()


@asynccontextmanager
async def on_tcp(units: Mapping[int, Answering]) -> AsyncIterator[ModbusBus]:
    """A real bus driver on a socket with *units*."""
    async with serve_tcp(units) as port:
        settings = TcpSettings(host="127.0.0.1", port=port, timeout_s=0.3, probe_s=0.2)
        async with open_tcp(settings, rig(), 0) as bus:
            yield bus


async def first_reading(bus: ModbusBus, model: str, unit: int = UNIT) -> Reading:
    """What the real meter driver reads of *unit*."""
    settings = MeterSettings(bus="bus", model=model, unit=unit, poll_s=0.05)
    async with open_meter(settings, rig(bus=bus), 1) as meter, running(meter.run) as inbox:
        return (await inbox.first(MeterRead)).reading

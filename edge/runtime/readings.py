"""The last quarter of an hour of every meter, in memory: what led to a fault.

Meters are read once a second and nothing of that is written (durability 1.3). Packed, because
900 readings of two meters as objects would be a megabyte.
"""

from __future__ import annotations

import math
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from edge.core.instant import rfc3339
from edge.core.quantities import Reading

KEPT_S: Final = 900.0
MOST: Final = 1800  # of one meter: twice as many as a reading each second makes
PHASES: Final = 3
SERIAL: Final = 24  # letters of a meter's serial number that are kept
PACKED: Final = struct.Struct(f"<ddq8d{SERIAL}s")  # monotonic, wall, energy, power to frequency


class Readings:
    """A ring per meter; connector 0 is the main meter's."""

    def __init__(self) -> None:
        self._rings: dict[int, deque[bytes]] = {}

    def take(self, connector: int, reading: Reading) -> None:
        """Keep *reading*, and let go of what is too old."""
        ring = self._rings.setdefault(connector, deque(maxlen=MOST))
        if ring and reading.at.monotonic <= _monotonic(ring[-1]):
            return  # the same one, asked for twice
        while ring and _monotonic(ring[0]) <= reading.at.monotonic - KEPT_S:
            ring.popleft()
        ring.append(_packed(reading))

    def rows(self, connector: int | None = None) -> list[dict[str, Any]]:
        """Oldest first, of one meter or of all."""
        wanted = sorted(self._rings) if connector is None else [connector]
        return [row for number in wanted for row in self._of(number)]

    def _of(self, connector: int) -> Iterator[dict[str, Any]]:
        for packed in self._rings.get(connector, ()):
            _, wall, energy_wh, power_w, *rest, serial = PACKED.unpack(packed)
            yield {
                "at": rfc3339(datetime.fromtimestamp(wall, UTC)),
                "connector": connector,
                "energy_wh": energy_wh,
                "power_w": _told(power_w),
                "voltage_v": _phases(rest[:PHASES]),
                "current_a": _phases(rest[PHASES : 2 * PHASES]),
                "frequency_hz": _told(rest[-1]),
                "meter_serial": serial.rstrip(b"\0").decode("ascii", "replace") or None,
            }


def _packed(reading: Reading) -> bytes:
    return PACKED.pack(
        reading.at.monotonic,
        reading.at.wall.timestamp(),
        reading.energy_wh,
        _number(reading.power_w),
        *_three(reading.voltage_v),
        *_three(reading.current_a),
        _number(reading.frequency_hz),
        (reading.meter_serial or "").encode("ascii", "replace")[:SERIAL],
    )


def _monotonic(packed: bytes) -> float:
    monotonic: float = PACKED.unpack(packed)[0]
    return monotonic


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _three(values: Sequence[float]) -> tuple[float, ...]:
    return (*values[:PHASES], *[math.nan] * (PHASES - len(values)))


def _told(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 2)


def _phases(values: Sequence[float]) -> list[float]:
    return [round(value, 2) for value in values if not math.isnan(value)]

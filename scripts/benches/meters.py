"""`meters`: every meter model, read word for word on RTU and TCP, and on bad lines for a while.

Words written down by hand (`tests/drivers/golden_meters.txt`) are served by a simulated meter that
refuses every other address, over a real pty and a real socket; the real drivers must read what they
mean. Then hours on lines where up to nineteen of twenty exchanges go wrong, in virtual time: every
reading must be one that the register showed, none may go back, and each time the line is good again
the driver must be well within a stated time.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from edge.drivers.meter_model import bundled
from edge.drivers.modbus import ModbusBus
from edge.errors import EdgeError
from edge.sim.modbus import Unit
from scripts.benches.parts.figures import tell
from tests.drivers.golden import UNIT, Golden, first_reading, golden_meters, on_rtu, on_tcp
from tests.drivers.meter_trial import HEALS_S, Outcome, Trial, quiet, run

HOURS: Final = 0.3  # of each model on each line
LEAST: Final = 15
LINES: Final[Sequence[Callable[[Mapping[int, Unit]], AbstractAsyncContextManager[ModbusBus]]]] = (
    on_rtu,
    on_tcp,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of one model; *wrong* is why it did not pass."""

    model: str
    registers: int
    read: tuple[bool, ...]
    trials: tuple[Outcome, ...]
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        read = "  ".join("ok    " if each else "FAILED" for each in self.read)
        broken = any(trial.breaches for trial in self.trials)
        survived = "FAILED" if broken else str(sum(trial.faults.total() for trial in self.trials))
        return f"{self.model:<12} {self.registers:>9}  {read}  {survived:>15}"


def main(argv: Sequence[str]) -> int:
    """Print the table; 1 unless every model passed."""
    parser = argparse.ArgumentParser(prog="scripts/bench meters")
    parser.add_argument("--hours", type=float, default=HOURS, help="of each model on each line")
    options = parser.parse_args(argv)
    meters = golden_meters()
    print(f"{'model':<12} {'registers':>9}  {'RTU':<6}  {'TCP':<6}  {'faults survived':>15}")
    rows = []
    for model in bundled():
        row = _row(model, meters.get(model, Golden()), options.hours)
        rows.append(row)
        print(row, flush=True)
        for wrong in row.wrong:
            print(f"  {wrong}", flush=True)
    passed = sum(not row.wrong for row in rows)
    trials = [trial for row in rows for trial in row.trials]
    figures = (
        f"models={passed} of {len(rows)} registers={sum(row.registers for row in rows)}"
        f" faults={sum(trial.faults.total() for trial in trials)}"
        f" readings={sum(trial.readings for trial in trials)}"
        f" hours={options.hours * len(trials):.0f}"
        f" slowest_to_heal_s={max(trial.slowest_heal_s for trial in trials):.0f}"
    )
    bar = f"all, at least {LEAST}, well again within {HEALS_S:.0f} s"
    return tell("meters", figures, bar, met=passed == len(rows) >= LEAST)


def _row(model: str, meter: Golden, hours: float) -> Row:
    """Read *meter* on each line, and let its model have bad *hours* on each."""
    misread = [asyncio.run(_misread(model, meter, line)) for line in LINES]
    trials = tuple(
        run(Trial(model=model, is_network=is_network, seed=1, hours=hours))
        for is_network in (False, True)
    )
    wrong = [each for each in misread if each]
    return Row(
        model=model,
        registers=len(meter.means.keys() - {"model"}),
        read=tuple(not each for each in misread),
        trials=trials,
        wrong=(*wrong, *(each for trial in trials for each in trial.breaches)),
    )


async def _misread(
    model: str,
    meter: Golden,
    line: Callable[[Mapping[int, Unit]], AbstractAsyncContextManager[ModbusBus]],
) -> str:
    """How what is read differs from what was written down; nothing if it does not."""
    with quiet():
        try:
            async with line({UNIT: meter}) as bus:
                return ", ".join(meter.misread(await first_reading(bus, model)))
        except (EdgeError, TimeoutError) as error:
            return str(error) or "no reading came"

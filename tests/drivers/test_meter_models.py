"""Every bundled model reads a meter whose words somebody wrote down, and nothing else of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from edge.drivers.meter_model import bundled, load
from edge.drivers.modbus import ModbusBus
from edge.sim.registers import Answering, Manners
from tests.drivers.golden import UNIT, first_reading, golden_meters, on_rtu, on_tcp

METERS = golden_meters()
Line = Callable[[Mapping[int, Answering]], AbstractAsyncContextManager[ModbusBus]]


def test_every_bundled_model_has_a_meter_written_down() -> None:
    """And of all its quantities, whether this meter measures them or not."""
    assert sorted(METERS) == list(bundled())
    for model, meter in METERS.items():
        assert set(load(model).registers) == set(meter.means) - {"serial", "model"}


@pytest.mark.parametrize("line", [on_rtu, on_tcp])
@pytest.mark.parametrize("model", METERS)
async def test_a_model_means_what_its_meter_shows(line: Line, model: str) -> None:
    """Each hole refused; energy, voltage, current and power are those that were written down."""
    meter = METERS[model]
    async with line({UNIT: meter}) as bus:
        assert meter.misread(await first_reading(bus, model)) == []


@pytest.mark.parametrize("model", METERS)
async def test_a_meter_without_holes_reads_the_same_in_blocks(model: str) -> None:
    """Real ones answer most holes; the words between are nobody's."""
    meter = replace(METERS[model], manners=Manners(has_holes=False))
    async with on_rtu({UNIT: meter}) as bus:
        assert meter.misread(await first_reading(bus, model)) == []


@pytest.mark.parametrize("model", ["sdm72d-m-2", "finder-7m38", "abb-b23"])
async def test_a_unit_that_refuses_long_requests_is_read_in_short_ones(model: str) -> None:
    """Some SDM72 answer about ten registers and no more (openWB sdm.py)."""
    meter = replace(METERS[model], manners=Manners(longest=4))
    async with on_rtu({UNIT: meter}) as bus:
        reading = await first_reading(bus, model)
    assert [each for each in meter.misread(reading) if "serial" not in each] == []

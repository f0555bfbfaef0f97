"""The search over real ptys and sockets: every model is known by what it says, and proposed."""

from __future__ import annotations

import pytest

from edge.drivers.meter_search import Result, Step, Symptom, search_serial, search_tcp
from edge.drivers.registry import choose
from edge.sim.modbus import RtuBus, serve_tcp
from edge.sim.registers import Answering
from tests.drivers.golden import Golden, golden_meters
from tests.drivers.rigs import rig

METERS = golden_meters()
WITHOUT_MARK = {
    "sdm220": (),
    "sdm230": ("sdm120",),  # the same registers; an SDM120 would have said so
    "janitza-b": (),
    "finder-7m24": (),
    "finder-7m38": (),
    "orno-504": (),
    "orno-514": (),
    "orno-516": (),
    "pzem-004t": (),
    "dtsu666": (),
}
"""The models that nothing but their registers tells, and what they could be as well."""


async def search(units: dict[int, Golden], **more: object) -> Result:
    named: dict[int, Answering] = dict(units)
    wire = RtuBus(named)
    try:
        return await search_serial(wire.path, rig(), units=(1, 2, 3), **more)  # type: ignore[arg-type]  # a test names them right
    finally:
        wire.close()


@pytest.mark.parametrize("model", METERS)
async def test_a_meter_is_known_by_what_it_says(model: str) -> None:
    """By its mark where it has one, else by its registers; with its serial number."""
    result = await search({2: METERS[model]})
    (found,) = result.found
    assert found.unit == 2
    assert found.likeness.model == model
    assert found.likeness.is_certain is (model not in WITHOUT_MARK)
    assert found.likeness.others == WITHOUT_MARK.get(model, ())
    assert found.likeness.serial == METERS[model].means.get("serial")
    assert result.remarks == ()


async def test_what_is_found_is_proposed_as_tables_that_the_drivers_take() -> None:
    """`[buses.X]` and `[connectors.N.meter]`, in the order of the units."""
    result = await search({3: METERS["sdm630"], 1: METERS["orno-516"]})
    tables = result.tables("rs485")
    assert tables["buses"]["rs485"]["kind"] == "rtu"
    assert [tables["connectors"][n]["meter"]["model"] for n in "12"] == ["orno-516", "sdm630"]
    assert [tables["connectors"][n]["meter"]["unit"] for n in "12"] == [1, 3]
    choose("bus", tables["buses"]["rs485"], "buses.rs485")
    choose("meter", tables["connectors"]["1"]["meter"], "connectors.1.meter")


async def test_progress_is_told_and_ends_where_it_said() -> None:
    """Whoever waits sees where it looks."""
    steps: list[Step] = []
    result = await search({2: METERS["sdm120"]}, progress=steps.append)
    asked = [step.asked for step in steps]
    assert asked == sorted(asked)
    assert result.asked <= steps[-1].of
    assert steps[0].where == "unit 1 at 9600 baud 8N1"


async def test_the_units_of_a_host_are_found() -> None:
    """A meter with Ethernet, and one behind the same gateway; what the host has not is nobody."""
    async with serve_tcp({1: METERS["em24-e1"], 5: METERS["orno-516"]}) as port:
        result = await search_tcp("127.0.0.1", rig(), port=port, units=range(1, 7))
    assert [(each.unit, each.likeness.model) for each in result.found] == [
        (1, "em24-e1"),
        (5, "orno-516"),
    ]
    assert result.remarks == ()
    assert result.tables()["buses"]["meters"] == {"kind": "tcp", "host": "127.0.0.1", "port": port}


async def test_a_port_that_is_not_there_is_told() -> None:
    """And a host that is not."""
    serial = await search_serial("/dev/none", rig())
    tcp = await search_tcp("127.0.0.1", rig(), port=9)
    assert [each.symptom for each in (*serial.remarks, *tcp.remarks)] == [Symptom.NO_PORT] * 2
    assert serial.tables() == {}

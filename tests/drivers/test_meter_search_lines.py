"""The search on lines of every kind, in virtual time: what is wrong is told apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from edge.drivers.meter_search import LINES, Line, Result, Symptom, search_serial
from edge.drivers.modbus import ModbusBus, RtuSettings, open_rtu
from edge.drivers.registry import Rig
from edge.sim.registers import Answering
from tests.drivers.golden import Golden, golden_meters
from tests.drivers.meter_trial import quiet
from tests.drivers.virtual_wire import Chance, Fault, Wire
from tests.drivers.virtual_wire import Line as RtuLine
from tests.world.clocks import Computer
from tests.world.loop import VirtualLoop

METERS = golden_meters()
READS = {3, 4}
FIRST = LINES[0]


class Cable:
    """A line that is set like *at*; `search` looks for the meters on it."""

    def __init__(
        self,
        *meters: tuple[int, Answering],
        at: Line | None = FIRST,
        faults: tuple[Fault, ...] = (),
        share: float = 0.0,
        echoes: bool = False,
        babbles: bool = False,
        seed: int = 0,
    ) -> None:
        self._meters = meters
        self._at = at
        self._faults = faults
        self._share = share
        self._echoes = echoes
        self._babbles = babbles
        self._seed = seed
        self.took_s = 0.0
        self.wires: list[Wire] = []

    def search(self, **options: Any) -> Result:
        """In virtual time; whatever is asked, nothing is ever written."""
        with quiet():
            loop = VirtualLoop()
            try:
                result = loop.run_until_complete(self._search(**options))
                self.took_s = loop.time()
            finally:
                loop.close()
        assert {request[1] for wire in self.wires for request in wire.requests} <= READS
        return result

    async def _search(self, **options: Any) -> Result:
        rig = Rig(clock=Computer(is_kept=True).clock(), random=Random(1))

        @asynccontextmanager
        async def opener(line: Line | None, timeout_s: float) -> AsyncIterator[ModbusBus]:
            settings = RtuSettings(
                port="virtual", timeout_s=timeout_s, drain_s=0.0, pause_s=0.01, probe_s=0.0
            )
            chance = Chance(f"cable {self._seed}", self._faults, latest_s=0.0)
            chance.share = self._share
            wire = (
                Babbling(self._meters, chance) if self._babbles else RtuLine(self._meters, chance)
            )
            wire.echoes = self._echoes
            self.wires.append(wire)
            async with open_rtu(settings, rig, 0) as bus:
                wire.attach(bus, reachable=line == self._at)
                yield bus

        return await search_serial("virtual", rig, opener=opener, **options)


class Babbling(RtuLine):
    """Somebody else talks all the time."""

    def attach(self, bus: ModbusBus, *, reachable: bool = True) -> None:
        super().attach(bus, reachable=True)
        context: Any = bus._client.ctx

        def babble() -> None:
            if context.transport is not None:
                context.transport.deliver(self.chance.random.randbytes(7))
            self.later(0.02, babble)

        self.later(0.02, babble)


def symptoms(result: Result) -> list[Symptom]:
    return [remark.symptom for remark in result.remarks]


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_any_setting_is_found(line: Line) -> None:
    """Baud and parity, the common ones first; what is proposed names them."""
    cable = Cable((1, METERS["sdm630"]), at=line)
    result = cable.search(units=range(1, 11))
    assert [(each.unit, each.likeness.model, each.line) for each in result.found] == [
        (1, "sdm630", line)
    ]
    table = result.tables()["buses"]["meters"]
    assert (table["baudrate"], table["parity"]) == (line.baudrate, line.parity)
    assert cable.took_s < 60


def test_an_unusual_id_is_found_after_the_usual_ones() -> None:
    """All 247, at the setting that most meters have, within two minutes."""
    cable = Cable((183, METERS["orno-516"]))
    result = cable.search()
    assert [(each.unit, each.likeness.model) for each in result.found] == [(183, "orno-516")]
    assert cable.took_s < 120


def test_all_units_of_a_line_are_found_once_one_is() -> None:
    """Whatever their ids; a dead one is not there."""
    meters = [(2, METERS["sdm120"]), (77, METERS["abb-b23"]), (247, METERS["pzem-004t"])]
    result = Cable(*meters).search()
    assert [(each.unit, each.likeness.model) for each in result.found] == [
        (2, "sdm120"),
        (77, "abb-b23"),
        (247, "pzem-004t"),
    ]
    assert result.remarks == ()


def test_a_line_where_nobody_answers_has_a_remedy() -> None:
    """No power, A and B swapped, or another id: they look alike from here."""
    (remark,) = Cable(at=None).search(units=range(1, 6)).remarks
    assert remark.symptom is Symptom.SILENT
    assert "swap A and B" in remark.text


def test_an_adapter_that_hears_itself_is_told_and_searched_all_the_same() -> None:
    """The echo is no reply, and no damage."""
    result = Cable((1, METERS["sdm120"]), echoes=True).search(units=range(1, 6))
    assert [each.likeness.model for each in result.found] == ["sdm120"]
    assert symptoms(result) == [Symptom.ECHO]


def test_an_echo_alone_is_a_silent_line() -> None:
    """The adapter works; the meter does not."""
    result = Cable(at=FIRST, echoes=True).search(units=range(1, 6))
    assert result.found == ()
    assert symptoms(result) == [Symptom.ECHO, Symptom.SILENT]


def test_two_units_with_one_id_are_named_and_the_others_found() -> None:
    """Their replies destroy each other, each time."""
    meters = [(1, METERS["sdm120"]), (1, METERS["em340"]), (4, METERS["sdm630"])]
    result = Cable(*meters).search(units=range(1, 6))
    assert [(each.unit, each.likeness.model) for each in result.found] == [(4, "sdm630")]
    (remark,) = result.remarks
    assert (remark.symptom, remark.unit, remark.line) == (Symptom.CLASH, 1, FIRST)
    assert "another id" in remark.text


@pytest.mark.parametrize("seed", range(5))
def test_a_bad_cable_is_no_clash(seed: int) -> None:
    """The same question brings damage now and a whole reply then."""
    cable = Cable((1, METERS["sdm120"]), faults=(Fault.DAMAGED,), share=0.3, seed=seed)
    result = cable.search(units=range(1, 6))
    assert [each.likeness.model for each in result.found] == ["sdm120"]
    assert symptoms(result) == [Symptom.DAMAGED]


def test_a_line_with_another_master_is_told() -> None:
    """Bytes come that nobody asked for."""
    result = Cable(babbles=True).search(units=range(1, 6))
    assert result.found == ()
    assert symptoms(result) == [Symptom.NOISE]


def test_a_device_that_is_no_meter_is_told() -> None:
    """It answers, and nothing that it says fits a model."""
    stranger = Golden(image={(4, place): 0 for place in range(100)})
    result = Cable((3, stranger)).search(units=range(1, 6))
    (remark,) = result.remarks
    assert (remark.symptom, remark.unit) == (Symptom.UNKNOWN, 3)
    assert result.found[0].likeness.model is None
    assert result.found[0].name == "an unknown device"
    assert result.tables() == {}


def test_a_search_ends_when_its_time_is_up() -> None:
    """And says so."""
    cable = Cable(at=None)
    result = cable.search(within_s=30.0)
    assert symptoms(result) == [Symptom.UNFINISHED]
    assert cable.took_s == pytest.approx(30.0, abs=0.5)

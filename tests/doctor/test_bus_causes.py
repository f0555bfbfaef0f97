"""Why a meter is silent, from what a search of its bus found."""

from __future__ import annotations

from typing import Any

import pytest

from edge.doctor.bus_causes import Configured, Seen, judge
from edge.doctor.finding import Finding
from edge.drivers.meter_likeness import Likeness
from edge.drivers.meter_search import Found, Line, Remark, Result, Symptom

OURS = Line(baudrate=9600, parity="N")
THEIRS = Line(baudrate=19200, parity="E")


def found(unit: int, model: str | None = "sdm120", line: Line = OURS, **more: Any) -> Found:
    likeness = Likeness(
        model=model, is_certain=True, others=more.get("others", ()), serial=None, values={}
    )
    return Found(unit=unit, likeness=likeness, line=line)


def judged(*units: Found, symptom: Symptom | None = None) -> list[Finding]:
    """Meters 1 and 2 are configured, and 2 is silent."""
    remarks = () if symptom is None else (Remark(symptom=symptom, text="", unit=1),)
    return list(
        judge(
            Seen(
                bus="rs485",
                port="/dev/ttyUSB0",
                line=OURS,
                configured={n: Configured(unit=n, model="sdm120") for n in (1, 2)},
                silent={2: "silent"},
                result=Result(found=units, remarks=remarks, bus=None, asked=1),
            )
        )
    )


@pytest.mark.parametrize(
    ("units", "symptom", "code"),
    [
        ((), Symptom.SILENT, "bus.silent"),
        ((), Symptom.NO_PORT, "bus.no_port"),
        ((), Symptom.NOISE, "bus.noise"),
        ((found(1),), Symptom.CLASH, "meter.clash"),
        ((found(1),), Symptom.DAMAGED, "bus.damaged"),
        ((), Symptom.UNFINISHED, "bus.unfinished"),
        ((found(1, line=THEIRS), found(2, line=THEIRS)), None, "bus.settings"),
        ((found(1),), None, "meter.dead"),
        ((found(1), found(9)), None, "meter.unit"),
        ((found(1), found(2, "em340")), None, "meter.model"),
        ((found(1), found(2, None)), None, "meter.unknown_model"),
        ((found(1), found(2, "sdm220", others=("sdm120",))), None, "meter.falters"),
    ],
)
def test_a_silence_has_one_cause(
    units: tuple[Found, ...], symptom: Symptom | None, code: str
) -> None:
    """What ails the bus explains its meters; else each has its own."""
    assert [each.code for each in judged(*units, symptom=symptom)] == [code]


def test_a_proposal_can_be_written_down() -> None:
    """The remedy names the keys of edge.toml."""
    (settings,) = judged(found(1, line=THEIRS))
    assert 'baudrate = 19200 and parity = "E"' in settings.remedy
    (unit,) = judged(found(1), found(9))
    assert "unit = 9" in unit.remedy

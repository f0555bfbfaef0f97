"""The script of chaos: drawn from a seed, written as lines, read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli.chaos import describe
from edge.cli.chaos_script import PLAYED, SETTLED_S, Act, Place, draw, read
from edge.cli.sim import VERBS
from edge.errors import ConfigError

FOR_S = 110.0
PLACES = (
    Place(connector=1, reader=0, card="04A2B1C3D4E580"),
    Place(connector=2, reader=0, card="DEADBEEF"),
)
LINES = ("meters",)
SEEDS = range(200)
HURTS = ("meter.fail", "bus")


def test_the_same_seed_gives_the_same_script_another_seed_another() -> None:
    """What failed can be played again."""
    assert draw(5, FOR_S, PLACES, LINES) == draw(5, FOR_S, PLACES, LINES)
    assert draw(5, FOR_S, PLACES, LINES) != draw(6, FOR_S, PLACES, LINES)


def test_a_script_is_in_order_ends_in_time_and_uses_verbs_that_there_are() -> None:
    """And has cars, cards, both deaths, line and clock each time; the rest is chance."""
    assert set(VERBS) >= PLAYED
    for seed in SEEDS:
        acts = draw(seed, FOR_S, PLACES, LINES)
        moments = [act.at_s for act in acts]
        assert moments == sorted(moments)
        assert moments[-1] <= FOR_S + SETTLED_S
        ops = {act.op for act in acts}
        assert {"plug", "unplug", "card", "process", "power", "net", "clock"} <= ops <= PLAYED


@pytest.mark.parametrize(
    ("op", "mode", "is_deadly"),
    [
        ("process", "kill", True),
        ("power", "off", True),
        ("power", "fail", False),
        ("net", "down", False),
    ],
)
def test_what_ends_the_controller_is_known(op: str, mode: str, is_deadly: bool) -> None:
    """It is started again after these, and only these."""
    assert Act(at_s=0.0, op=op, arguments={"mode": mode}).is_deadly is is_deadly


def test_every_fault_is_mended_within_the_script() -> None:
    """A bus is let go, a meter and a reader get well, a disk takes commits again."""
    for seed in SEEDS:
        state: dict[tuple[object, ...], Act] = {}
        for act in draw(seed, FOR_S, PLACES, LINES):
            where = act.arguments.get("connector", act.arguments.get("reader"))
            if act.op in ("meter.fail", "bus", "reader.fail", "disk"):
                state[act.op, where] = act
        for act in state.values():
            well = ("none", "ok", False)
            named = [act.arguments.get(name) for name in ("mode", "fault", "on")]
            assert any(each in well for each in named), act


def test_no_session_ends_while_its_meter_is_not_to_be_trusted() -> None:
    """What a meter shows to nobody, nobody can bill: no ending within a bus fault, nor soon after.

    Endings are an unplugging and a death of the controller.
    """
    hurt = 0
    for seed in SEEDS:
        began: dict[tuple[object, ...], float] = {}
        spans: list[tuple[float, float]] = []
        acts = draw(seed, FOR_S, PLACES, LINES)
        for act in acts:
            if act.op in HURTS:
                key = (act.op, act.arguments.get("connector"))
                if "none" in act.arguments.values():
                    spans.append((began.pop(key), act.at_s))
                else:
                    assert key not in began
                    began[key] = act.at_s
        endings = [act.at_s for act in acts if act.op == "unplug" or act.is_deadly]
        hurt += len(spans)
        assert not [
            (span, end) for span in spans for end in endings if span[0] <= end <= span[1] + 0.9
        ]
    assert hurt > 2 * len(SEEDS)


def test_the_output_of_a_run_is_the_script_of_its_repetition(tmp_path: Path) -> None:
    """Other lines are passed over; arguments arrive as they were."""
    acts = draw(5, FOR_S, PLACES, LINES)
    lines = ["seed 5", *map(str, acts), "   1.0 s  all is mended", "sessions=1"]
    (tmp_path / "out").write_text("\n".join(lines))
    assert read(tmp_path / "out") == acts


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds no line"),
        ('{"at_s": 1', "script:1 is no JSON"),
        ('\n{"at_s": -1, "op": "plug"}', "script:2: at_s must be"),
        ('{"at_s": true, "op": "plug"}', "at_s must be"),
        ('{"at_s": 1e9, "op": "plug"}', "at_s must be"),
        ('{"at_s": 1, "op": "reset_state"}', "op must be one of bus, button"),
        ('{"at_s": 1, "op": ["plug"]}', "op must be one of"),
    ],
)
def test_a_line_that_cannot_be_played_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    """Before anything is started."""
    (tmp_path / "script").write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        read(tmp_path / "script")
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "nowhere")


TWO_READERS = """
hardware = "real"
[readers.3]
kind = "pn532"
port = "/dev/ttyS0"
connectors = [2]
[readers.7]
kind = "pn532"
port = "/dev/ttyS1"
[buses.a]
kind = "tcp"
host = "10.0.0.9"
[buses.b]
kind = "rtu"
port = "/dev/ttyUSB0"
[connectors.1.evse]
kind = "gpio"
coil = 17
[connectors.1.meter]
kind = "modbus"
bus = "b"
model = "em340"
unit = 1
[connectors.2.evse]
kind = "gpio"
coil = 18
"""


def test_a_configuration_says_who_taps_where_and_how_finely_meters_count(tmp_path: Path) -> None:
    """Readers by their place in the bay, serial lines only, a register's own step."""
    (tmp_path / "edge.toml").write_text(TWO_READERS)
    described = describe([tmp_path / "edge.toml"])
    assert [(place.connector, place.reader) for place in described.places] == [(1, 1), (2, 0)]
    assert described.lines == ["b"]
    assert described.steps_wh == {1: 100.0}
    own = describe([])
    assert [(place.connector, place.reader) for place in own.places] == [(1, 0), (2, 0)]
    assert (own.lines, own.steps_wh) == (["meters"], {1: 1.0, 2: 1.0})

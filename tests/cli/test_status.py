"""`tapwatt edge status` and `readings`: what an operator reads."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from tests.cli.listening import listening

STATUS: dict[str, Any] = {
    "station": "S",
    "online": True,
    "boot": "Accepted",
    "line": None,
    "certificates": [],
    "supply_lost": False,
    "outbox": 0,
    "dead_letters": 0,
    "recorded": True,
    "free_bytes": 1 << 30,
    "short_of_space": False,
    "samples_thinned": 0,
    "damage": None,
    "connectors": {},
    "crash_recordings": [],
    "journal_check": {"verdict": "ok", "age_s": 3600},
    "disk": {"written_bytes": 1_234_567, "mb_per_day": {"hour": 11.62, "day": 9.0}},
    "power_cut": {
        "at_most_wh": 245.3,
        "now_at_most_wh": 12.2,
        "flushed_now_at_most_wh": None,
        "register_age_s": {"1": 3.0},
    },
}
FLUSHED = {"power_cut": {**STATUS["power_cut"], "flushed_now_at_most_wh": 4.1}}
YOUNG = {"disk": {"written_bytes": 10_000, "mb_per_day": {"hour": None, "day": None}}}
UNCOUNTED = {"disk": {"written_bytes": None, "mb_per_day": {"hour": None, "day": None}}}
BOUNDLESS = {"power_cut": {**STATUS["power_cut"], "at_most_wh": None, "now_at_most_wh": None}}
DAMAGED = {"journal_check": {"verdict": "row 3 missing from index", "age_s": 60}}
ROW = {
    "at": "2026-01-01T12:00:00.000Z",
    "connector": 1,
    "energy_wh": 5,
    "power_w": None,
    "voltage_v": [230.0],
    "current_a": [],
    "frequency_hz": 50.0,
    "meter_serial": "B23-7",
}


def said(
    words: list[str], answer: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> tuple[str, list[object]]:
    """What `tapwatt edge *words*` prints of *answer*, and what it asked."""
    with tempfile.TemporaryDirectory() as directory:
        thread, asked = listening(Path(directory) / "control.sock", answer)
        assert main(["edge", *words, "--state-dir", directory]) == 0
        thread.join(5)
    return capsys.readouterr().out, asked


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {},
            (
                "written to disk: 1.23 MB since the start, 11.6 MB a day by the last hour,"
                " 9.0 MB a day by the last day\n"
            ),
        ),
        (
            {},
            (
                "a power cut costs nothing if the meters can be read afterwards, else"
                " at most 12 Wh now, 245 Wh ever\n"
            ),
        ),
        (YOUNG, "written to disk: 0.01 MB since the start\n"),
        (UNCOUNTED, "written to disk: this kernel does not count it\n"),
        (
            DAMAGED,
            "the journal is damaged: restart the controller, which saves what can be read\n",
        ),
        (FLUSHED, "245 Wh ever, 4 Wh with the power-good input\n"),
        (BOUNDLESS, "a power cut: what runs may be lost, the disk takes nothing\n"),
    ],
)
def test_wear_and_the_cost_of_a_power_cut_are_a_line_each(
    more: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Firsts 12 and 19."""
    assert words in said(["status"], STATUS | more, capsys)[0]


LINE = {
    "what": "the central system refuses our key",
    "owner": "central system",
    "remedy": "Set the same key at both ends: `tapwatt edge enrol`.",
    "since_s": 3600.0,
    "until_s": None,
    "why": "wss://x refused\x1b[2J with HTTP 401",
}
ENDS = {"what": "[csms] ca_file", "not_after": "2026-12-24T00:00:00Z", "days_left": 5}
CERTIFICATES = [
    {**ENDS, "warning": 7},
    {**ENDS, "what": "our own certificate", "days_left": -2, "warning": 0},
    {**ENDS, "what": "another", "warning": None},
]
TOLD = (
    "central system: the central system refuses our key (central system), for 60 min\n"
    "  Set the same key at both ends: `tapwatt edge enrol`.\n"
    "  in full: wss://x refused?[2J with HTTP 401\n"
    "  charging goes on by the rules of the station; what is owed is told later\n"
    "[csms] ca_file ends in 5 days, 2026-12-24T00:00:00Z: renew it\n"
    "our own certificate is over since 2026-12-24T00:00:00Z: renew it\n"
)


@pytest.mark.parametrize("verb", ["status", "why"])
def test_what_keeps_us_offline_and_what_ends_is_told(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its age and its remedy; what a far end made us say steers no terminal."""
    answer = STATUS | {"online": False, "line": LINE, "certificates": CERTIFICATES}
    assert TOLD in said([verb], answer, capsys)[0]


def test_readings_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """One column per quantity and phase; empty where nothing was measured."""
    out, asked = said(["readings", "--connector", "1"], {"readings": [ROW]}, capsys)
    assert out == (
        "at,connector,energy_wh,power_w,voltage_v_l1,voltage_v_l2,voltage_v_l3,"
        "current_a_l1,current_a_l2,current_a_l3,frequency_hz,meter_serial\n"
        "2026-01-01T12:00:00.000Z,1,5,,230.0,,,,,,50.0,B23-7\n"
    )
    assert asked == [{"op": "readings", "connector": 1}]


def test_readings_as_json_are_as_they_came(capsys: pytest.CaptureFixture[str]) -> None:
    """For programs."""
    out, asked = said(["readings", "--json"], {"readings": [ROW]}, capsys)
    assert json.loads(out) == [ROW]
    assert asked == [{"op": "readings"}]

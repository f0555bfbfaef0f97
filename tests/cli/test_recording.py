"""`tapwatt edge recording`, `replay` and `why`: exact words, exact exit status."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from edge.cli import WRONG_USE, main
from tests.cli.listening import listening

SCENARIOS = Path(__file__).parents[1] / "scenarios"
CAUSE = {
    "what": "taken out of service",
    "owner": "central system",
    "remedy": "The central system must set it Operative (ChangeAvailability).",
    "since_s": 7300.0,
    "until_s": None,
}
WHY: dict[str, Any] = {
    "status": "Available",
    "in_session": False,
    "causes": [],
    "limit": None,
    "ended": None,
}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A copy of a scenario, to be spoilt."""
    return Path(shutil.copy(SCENARIOS / "remote_session.rec", tmp_path))


def test_a_replay_that_decides_the_same_says_so(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0, one line."""
    assert main(["edge", "replay", str(recording)]) == 0
    assert capsys.readouterr().out.endswith("events of version scenario: the same decisions\n")


def test_a_packed_recording_replays_too(recording: Path) -> None:
    """As a crash leaves it."""
    recording.write_bytes(gzip.compress(recording.read_bytes()))
    assert main(["edge", "replay", str(recording)]) == 0


def test_the_first_divergence_is_shown(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, event number, expected and got."""
    text = recording.read_text()
    recording.write_text(text.replace('"lamp":"charging"', '"lamp":"off"', 1))
    assert main(["edge", "replay", str(recording)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith(": this version decides otherwise")
    assert told[1].strip() == 'expected: Show {"connector":1,"lamp":"off"}'
    assert told[2].strip() == 'got:      Show {"connector":1,"lamp":"charging"}'


def test_a_rewritten_recording_is_as_this_version_decides(recording: Path) -> None:
    """What was meant is taken over; the events stay."""
    text = recording.read_text()
    recording.write_text(text.replace('"lamp":"charging"', '"lamp":"off"', 1))
    assert main(["edge", "replay", "--rewrite", str(recording)]) == 0
    assert recording.read_text() == text


def test_every_decision_is_a_line_if_asked(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """When, what happened, what came of it."""
    assert main(["edge", "replay", "-v", str(recording)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("CallReceived RemoteStartTransaction → " in line for line in lines)
    assert any(line.endswith("→ nothing to do") for line in lines)
    assert any("Write TransactionOpened" in line for line in lines)


def test_what_is_no_recording_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No stack for an installer."""
    assert main(["edge", "replay", str(tmp_path / "none")]) == WRONG_USE
    assert "cannot read" in capsys.readouterr().err
    (tmp_path / "other").write_text("something\n")
    assert main(["edge", "replay", str(tmp_path / "other")]) == WRONG_USE
    assert "this is no recording" in capsys.readouterr().err


def test_an_export_is_taken_away_and_private(capsys: pytest.CaptureFixture[str]) -> None:
    """The controller keeps nothing of it; others may not read it."""
    with tempfile.TemporaryDirectory() as directory:
        written, wanted = Path(directory) / "export.rec", Path(directory) / "mine.rec"
        written.write_text("tapwatt recording 1\n")
        thread, asked = listening(Path(directory) / "control.sock", {"path": str(written)})
        words = ["edge", "recording", "export", str(wanted), "--state-dir", directory]
        assert main(words) == 0
        thread.join(5)
        assert asked == [{"op": "recording"}]
        assert wanted.read_text() == "tapwatt recording 1\n"
        assert wanted.stat().st_mode & 0o077 == 0
        assert not written.exists()
    assert capsys.readouterr().out == f"{wanted}: 0.00 MB\n"


def test_an_export_to_nowhere_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """And the controller's file stays, to be taken again."""
    with tempfile.TemporaryDirectory() as directory:
        written = Path(directory) / "export.rec"
        written.write_text("x")
        thread, _ = listening(Path(directory) / "control.sock", {"path": str(written)})
        wanted = f"{directory}/no/such"
        words = ["edge", "recording", "export", wanted, "--state-dir", directory]
        assert main(words) == WRONG_USE
        thread.join(5)
        assert written.exists()
    assert f"cannot export to {wanted}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("connector", "told"),
    [
        ({}, "connector 1: Available\n  free: plug in and lay a card\n"),
        (
            {"status": "Charging", "in_session": True},
            "connector 1: Charging\n  energy flows\n",
        ),
        (
            {"status": "Unavailable", "causes": [CAUSE]},
            (
                "connector 1: Unavailable\n"
                "  taken out of service (central system), for 2 h\n"
                "    The central system must set it Operative (ChangeAvailability).\n"
            ),
        ),
        (
            {
                "limit": {**CAUSE, "what": "limited", "since_s": None, "until_s": 150.0},
                "ended": {**CAUSE, "what": "over", "owner": "driver", "since_s": 5.2},
            },
            (
                "connector 1: Available\n"
                "  free: plug in and lay a card\n"
                "  limited (central system), another 2 min at most\n"
                "    The central system must set it Operative (ChangeAvailability).\n"
                "  last session: over (driver), for 5 s\n"
            ),
        ),
    ],
)
def test_why_says_who_since_when_and_what_must_change(
    connector: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer of the controller in sentences."""
    with tempfile.TemporaryDirectory() as directory:
        told_of = {"1": {**WHY, **connector}}
        answer: dict[str, Any] = {"connectors": told_of, "line": None, "certificates": []}
        thread, asked = listening(Path(directory) / "control.sock", answer)
        assert main(["edge", "why", "1", "--state-dir", directory]) == 0
        thread.join(5)
    assert capsys.readouterr().out == told
    assert asked == [{"op": "why", "connector": 1}]


def test_why_as_json_is_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """For programs."""
    with tempfile.TemporaryDirectory() as directory:
        thread, _ = listening(Path(directory) / "control.sock", {"connectors": {}})
        assert main(["edge", "why", "--json", "--state-dir", directory]) == 0
        thread.join(5)
    assert capsys.readouterr().out == '{\n  "connectors": {}\n}\n'

"""`tapwatt edge doctor` and `config init|check` as commands: what they say, keep and return."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.app.possession import possessed
from edge.cli import main


def test_parts_can_be_examined_alone_and_the_report_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 1: something is at fault."""
    kept = tmp_path / "report.json"
    words = ["edge", "doctor", "--state-dir", str(tmp_path / "state"), "--only", "line"]
    words += ["-o", "csms.url=ws://127.0.0.1:1/ocpp", "--json", str(kept)]
    assert main(words) == 1
    assert "(line.tcp_refused)" in capsys.readouterr().out
    codes = [found["code"] for found in json.loads(kept.read_text())["findings"]]
    assert codes == ["line.tcp_refused"]


def test_nothing_is_touched_while_the_daemon_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two masters on a bus, two hands on a coil: the state directory's lock decides."""
    with possessed(tmp_path):
        assert main(["edge", "doctor", "--state-dir", str(tmp_path)]) == 2
    assert "in use by another daemon" in capsys.readouterr().err


def test_no_contactor_is_clicked_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody answers on a pipe, so nobody has agreed."""
    words = ["edge", "doctor", "--state-dir", str(tmp_path), "--only", "contactor"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert told.count("was not clicked: nobody said that it may be") == 2


def test_an_unknown_part_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the nearest that there is."""
    words = ["edge", "doctor", "--state-dir", str(tmp_path), "--only", "lines"]
    assert main(words) == 2
    assert 'did you mean "line"?' in capsys.readouterr().err


def test_a_first_file_is_written_once_and_passes_its_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`config init`, then `config check`; a file that is there is never overwritten."""
    file = tmp_path / "edge.toml"
    words = ["edge", "config", "init", "--out", str(file), "--kind", "socket", "--id", "YARD-7"]
    assert main(words) == 0
    assert main(["edge", "config", "check", "--quick", "--config", str(file)]) == 0
    assert capsys.readouterr().out.endswith("the configuration is sound\n")
    assert main(words) == 2
    assert "is there already" in capsys.readouterr().err


def test_a_check_names_what_cannot_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1, with the remedy."""
    file = tmp_path / "edge.toml"
    assert main(["edge", "config", "init", "--out", str(file)]) == 0
    words = ["edge", "config", "check", "--config", str(file), "-o", "buses.meters.baudrate=300"]
    assert main(words) == 1
    assert "(plan.slow_bus)" in capsys.readouterr().out

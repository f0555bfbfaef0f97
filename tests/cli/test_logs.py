"""`tapwatt edge logs` asks journald for our unit; without one it says where to look."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli import main

ECHO = '#!/bin/sh\nprintf "%s\\n" "$@"\nexit {status}\n'


@pytest.fixture
def journald(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journalctl that says what it was asked."""
    tool = tmp_path / "journalctl"
    tool.write_text(ECHO.format(status=0))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tool


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], ["--lines=200", "--output=cat"]),
        (["--since", "1 hour ago"], ["--since=1 hour ago", "--output=cat"]),
        (["-n", "5", "--since=today"], ["--lines=5", "--since=today", "--output=cat"]),
        (["--since=--flush"], ["--since=--flush", "--output=cat"]),
        (["--follow"], ["--lines=200", "--output=cat", "--follow"]),
        (
            ["--json"],
            [
                "--lines=200",
                "--output=json",
                "--output-fields=MESSAGE,PRIORITY,_PID,_BOOT_ID",
            ],
        ),
    ],
)
def test_journald_is_asked_for_our_unit(
    journald: Path, words: list[str], asked: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """What an installer says stays one word each: no option of journalctl gets in."""
    assert main(["edge", "logs", *words]) == 0
    first = ["--no-pager", "--unit=tapwatt-edge.service"]
    assert capfd.readouterr().out.splitlines() == [*first, *asked]
    journald.write_text("#!/bin/sh\nexit 9\n")
    assert main(["edge", "logs", "--unit", "other"]) == 1


def test_without_journald_it_says_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a container, or started by hand."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["edge", "logs"]) == 2
    assert "no journalctl" in capsys.readouterr().err

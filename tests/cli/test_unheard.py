"""Whoever reads an answer may stop when he likes: `tapwatt … | head` ends without a word."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from edge import cli

ROOT = Path(__file__).parents[2]
TAPWATT = Path(sys.executable).with_name("tapwatt")
ENDLESS = "#!/bin/sh\nwhile echo line; do :; done\n"
VERBS = (
    "edge config reference",
    "edge logs --follow",
    f"edge replay -v {ROOT / 'tests/scenarios/weld.rec'}",
    "csms settings",
    "csms tls init --name localhost --state-dir STATE",
)
WITHIN_S = 60.0


@pytest.fixture
def deaf() -> Iterator[int]:
    """The end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def said(
    folder: Path, words: str, stdout: int, stderr: int = subprocess.PIPE, *, at_once: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the command itself, beside a journalctl that never ends."""
    tool = folder / "journalctl"
    tool.write_text(ENDLESS)
    tool.chmod(0o755)
    unbuffered = {"PYTHONUNBUFFERED": "1"} if at_once else {}
    return subprocess.run(
        [TAPWATT, *words.replace("STATE", str(folder)).split()],
        env={"PATH": f"{folder}:{os.environ['PATH']}", **unbuffered},
        stdout=stdout,
        stderr=stderr,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )


@pytest.mark.parametrize(
    ("words", "at_once"),
    [*product(VERBS, (True, False)), ("edge why --help", False)],
)
def test_a_reader_who_has_enough_is_no_error(
    tmp_path: Path, deaf: int, words: str, at_once: bool
) -> None:
    """Nothing on standard error, and the status that a shell tells of who SIGPIPE ended."""
    done = said(tmp_path, words, deaf, at_once=at_once)
    assert (done.returncode, done.stderr) == (141, "")


def test_without_a_standard_output_it_is_done_all_the_same() -> None:
    """`>&-`, as some cron jobs have it."""
    shell = ["sh", "-c", '"$0" csms settings >&-', str(TAPWATT)]
    done = subprocess.run(shell, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_error_that_nobody_reads_is_none_either(tmp_path: Path, deaf: int) -> None:
    """`2>&1 | head`."""
    assert said(tmp_path, "edge status --state-dir STATE", deaf, deaf).returncode == 141


def test_an_error_is_told_whoever_reads_the_answer(tmp_path: Path, deaf: int) -> None:
    """Where there is no answer nobody can have had enough of it."""
    done = said(tmp_path, "edge status --state-dir STATE", deaf)
    assert done.returncode == 2
    assert "nobody listens" in done.stderr


def test_another_pipe_that_breaks_is_our_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A child or a socket that is gone must not pass for a reader who has enough."""

    def breaks(_words: object) -> argparse.ArgumentParser:
        raise BrokenPipeError

    monkeypatch.setattr(cli, "_parser", breaks)
    with pytest.raises(BrokenPipeError):
        cli.main(["edge"])

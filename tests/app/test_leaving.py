"""The end of the process, played by a process that ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from edge.app.daemon import Ending
from edge.app.leaving import leave

sys.executable = sys.argv[1]
leave(Ending(sys.argv[2]), int(sys.argv[3]))
"""


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """Where an interpreter that only says its words is to be, once it is installed."""
    (tmp_path / "new").write_text('#!/bin/sh\necho "began with $*"\n', encoding="ascii")
    (tmp_path / "new").chmod(0o700)
    return tmp_path / "python"


def install(interpreter: Path) -> None:
    interpreter.with_name("new").rename(interpreter)


def leaving(interpreter: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """A process that ends at once, by `leave`, as *words* say."""
    script = interpreter.with_name("leaves.py")
    script.write_text(SCRIPT, encoding="ascii")
    return subprocess.Popen(
        [sys.executable, str(script), str(interpreter), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_restart_replaces_the_process(interpreter: Path) -> None:
    """Same command line, but for the descriptor that is no longer ours."""
    install(interpreter)
    words = ("restart", "0", "--ready-fd", "7", "--ready-fd=9", "-v")
    with leaving(interpreter, *words) as process:
        assert process.stdout is not None
        said = process.stdout.read()
    assert said == f"began with {interpreter.with_name('leaves.py')} {interpreter} restart 0 -v\n"


def test_a_restart_that_fails_is_tried_again(interpreter: Path) -> None:
    """ResetRetries (9.1.22): an upgrade takes the interpreter away for a moment."""
    with leaving(interpreter, "restart", "1") as process:
        assert process.stdout is not None
        assert "restart_failed" in process.stdout.readline()
        install(interpreter)
        assert process.stdout.readline().startswith("began with")
    assert process.returncode == 0


def test_without_retries_left_the_exit_status_tells(interpreter: Path) -> None:
    """Whoever watches over us, systemd, starts us then."""
    with leaving(interpreter, "restart", "0") as process:
        assert process.stdout is not None
        assert process.stdout.read().count("restart_failed") == 1
    assert process.returncode == 1


def test_a_stop_is_an_end(interpreter: Path) -> None:
    """Nothing begins again."""
    install(interpreter)
    with leaving(interpreter, "stopped", "3") as process:
        assert process.stdout is not None
        assert process.stdout.read() == ""
    assert process.returncode == 0


def test_under_a_service_manager_a_restart_is_its_own(interpreter: Path) -> None:
    """It runs ExecStopPost first, and starts what is installed by then."""
    install(interpreter)
    with leaving(interpreter, "restart", "3", NOTIFY_SOCKET="@nobody") as process:
        assert process.stdout is not None
        assert process.stdout.read() == ""
    assert process.returncode == 0

"""`tapwatt sim chaos` as people run it: a seeded script, its repetition, a bug that it finds."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from edge.cli.chaos_script import Act
from tests.together.test_demo import runs

pytestmark = [pytest.mark.together, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PLANTED = Path(__file__).parent / "planted"
CHAOS = [sys.executable, "-m", "edge", "sim", "chaos"]
LAST_LINE = re.compile(
    r"sessions=(\d+) energy_world_wh=(\d+) energy_csms_wh=(\d+) lost=(\d+) twice=(\d+)", re.ASCII
)
SCRIPT = (
    Act(at_s=0.5, op="plug", arguments={"connector": 1}),
    Act(at_s=1.5, op="card", arguments={"uid": "04A2B1C3D4E580"}),
    Act(at_s=7.0, op="net", arguments={"mode": "down"}),
    Act(at_s=8.0, op="card", arguments={"uid": "04A2B1C3D4E580"}),
    Act(at_s=11.0, op="process", arguments={"mode": "kill"}),
)
"""A session that ends offline, just before the process dies."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path, where runs that fail leave what they recorded."""
    with tempfile.TemporaryDirectory(prefix="tw") as made:
        yield Path(made)


def chaos(
    place: Path, *words: str, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(place), **(more or {})}
    return subprocess.run(
        [*CHAOS, *words],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env=environment,
    )


def script_in(place: Path, acts: Sequence[Act]) -> str:
    (place / "script").write_text("\n".join(map(str, acts)))
    return str(place / "script")


def test_a_seeded_run_on_a_real_configuration_agrees_with_the_world(place: Path) -> None:
    """The README's own file: nothing lost, nothing twice, nothing left behind."""
    settings, *_ = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (place / "edge.toml").write_text(settings)
    ended = chaos(place, "--config", str(place / "edge.toml"), "--seed", "7", "--for-s", "45")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    counted = LAST_LINE.fullmatch(ended.stdout.splitlines()[-1])
    assert counted, ended.stdout
    sessions, world_wh, csms_wh, lost, twice = map(int, counted.groups())
    assert world_wh > 10
    assert abs(world_wh - csms_wh) <= sessions
    assert (lost, twice) == (0, 0)
    assert [path.name for path in place.iterdir()] == ["edge.toml"]
    acts = [line for line in ended.stdout.splitlines() if line.startswith("{")]
    played = [line for line in ended.stdout.splitlines() if re.match(r" *\d+\.\d s  \{", line)]
    assert len(acts) == len(played) > 10


def test_a_journal_that_forgets_the_end_of_a_session_is_found(place: Path) -> None:
    """The planted bug: what is not written when the process dies is lost, and the run says so."""
    words = ["--script", script_in(place, SCRIPT)]
    well = chaos(place, *words)
    assert well.returncode == 0, well.stdout + well.stderr
    counted = LAST_LINE.fullmatch(well.stdout.splitlines()[-1])
    assert counted, well.stdout
    assert int(counted[2]) > 5
    planted = chaos(place, *words, more={"PYTHONPATH": str(PLANTED)})
    assert planted.returncode == 1, planted.stdout + planted.stderr
    counted = LAST_LINE.fullmatch(planted.stdout.splitlines()[-1])
    assert counted, planted.stdout
    assert (counted[1], counted[4], counted[5]) == ("1", "1", "0")
    assert "was never closed" in planted.stdout


def test_ctrl_c_in_the_middle_leaves_nothing_running(place: Path) -> None:
    """Whatever the script is at, all that it started ends with it."""
    process = subprocess.Popen(
        [*CHAOS, "--seed", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TMPDIR": str(place)},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if re.match(r" *\d+\.\d s  \{", line):
            break
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    children = [int(child) for child in listed.split()]
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=15)
    assert process.returncode == 130, said
    assert len(children) == 3
    assert [pid for pid in children if runs(pid)] == []

"""The whole daemon is recorded: a session exports and replays, a crash leaves what led to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from edge.cli import main
from tests.together.edge_bench import CARD, ROOT, Bench, bench
from tests.waiting import WITHIN_S, until

pytestmark = pytest.mark.together

BREAKS = """
import sys
from edge.app import station
from edge.cli import main
from edge.core.events import TagPresented

right = station.step

def wrong(state, event):
    if isinstance(event, TagPresented):
        raise AssertionError("tickets leak")
    return right(state, event)

station.step = wrong
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def bay(directory: Path) -> AsyncIterator[Bench]:
    async with bench(directory) as made:
        yield made


def broken_daemon(bay: Bench, directory: Path) -> subprocess.Popen[bytes]:
    """A daemon whose core cannot bear a card, when it is ready."""
    words = ["edge", "run", "--state-dir", str(directory / "d"), "--sim-socket", str(bay.socket)]
    words += ["-o", f"csms.url={bay.central.url}"]
    read, write = os.pipe()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", BREAKS, *words, "--ready-fd", str(write)],
            pass_fds=[write],
            cwd=ROOT,
            stderr=log,
        )
    os.close(write)
    with os.fdopen(read) as ready:
        assert ready.readline()
    return process


async def test_a_session_exports_without_its_card_and_replays(
    bay: Bench, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the field to a test: one command each."""
    bay.start("policy.start_stop_dead_time_s=0")
    await bay.sim("wait", condition={"online": True}, timeout_s=WITHIN_S)
    await bay.sim("plug", connector=1)
    await bay.wait(status="Preparing")
    await bay.tap()
    await bay.wait(status="Charging")
    assert bay.control("why", connector=1)["connectors"]["1"]["causes"] == []
    await bay.tap()
    await bay.wait(status="Finishing")
    ended = bay.control("why", connector=1)["connectors"]["1"]["ended"]
    assert ended["what"] == "a card or the button ended it"
    exported = directory / "it.rec"
    words = ["--state-dir", str(directory / "d")]
    assert main(["edge", "recording", "export", str(exported), *words]) == 0
    text = exported.read_text()
    assert CARD not in text
    assert "\nframe out [2," in text
    assert "  Write {" in text
    assert main(["edge", "replay", str(exported)]) == 0
    assert "the same decisions" in capsys.readouterr().out


async def test_safety_19_a_crash_leaves_what_led_to_it(
    bay: Bench, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Safety 19: contactors first, then the recording; the next process names it."""
    process = broken_daemon(bay, directory)
    await bay.tap()
    await until(lambda: process.poll() is not None, within_s=20)
    assert process.returncode != 0
    (kept,) = (directory / "d" / "recordings").iterdir()
    assert main(["edge", "replay", str(kept)]) == 1
    assert "expected: raised AssertionError: tickets leak" in capsys.readouterr().out
    bay.start()
    assert bay.control("status")["crash_recordings"] == [str(kept)]

"""The bare Debian that scripts/lib.sh makes, what is installed into it, and that booted."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.benches.parts.loop_disk import NoDisk, have_own_mounts
from tests.booted.system import ROOT, System, layer

DEBIAN = ROOT / ".cache/debian"
ANSWERS = """\
# what a test answers
role = edge, csms, bridge
station = "TAPWATT-1"
central = ws://127.0.0.1:9000/ocpp
kind = pilot
reader = /dev/serial0
meters = /dev/ttyUSB0      # the RS-485 adapter
journal_days = 45
hardware_watchdog = yes
wheels = {wheels}
"""


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A file system in memory, which nobody else sees; by a short path, for Unix sockets' sake."""
    with tempfile.TemporaryDirectory(prefix="tw") as made:
        try:
            have_own_mounts()
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", made], check=True, capture_output=True)
        except (NoDisk, subprocess.CalledProcessError) as why:
            pytest.skip(
                f"nothing was installed nor booted: no file systems of our own here ({why})"
            )
        yield Path(made)
        subprocess.run(["umount", "--lazy", made], check=True)


@pytest.fixture(scope="session")
def bare(memory: Path) -> Path:
    """A bare Debian; nobody changes it."""
    if not (DEBIAN / "root").is_dir() or shutil.which("systemd-nspawn") is None:
        pytest.skip("nothing was installed nor booted: scripts/test, as root, makes a bare Debian")
    try:
        with layer(memory / "trial", DEBIAN / "root"):
            pass
    except subprocess.CalledProcessError as why:
        pytest.skip(f"nothing was installed nor booted: no file systems in layers here ({why})")
    return DEBIAN / "root"


@pytest.fixture
def place(memory: Path) -> Iterator[Path]:
    """A directory of the test's own, by a short path."""
    with tempfile.TemporaryDirectory(dir=memory) as made:
        yield Path(made)


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an unattended installation is told."""
    file = tmp_path_factory.mktemp("answers") / "answers"
    file.write_text(ANSWERS.format(wheels=DEBIAN / "wheels"))
    return file


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What the installer made of the bare Debian, and what it said."""

    layers: tuple[Path, ...]
    said: str


@pytest.fixture(scope="session")
def installation(memory: Path, bare: Path, answers: Path) -> Installation:
    """Done once; tests change layers above it."""
    with layer(memory / "installed", bare) as system:
        done = system.install("--unattended", answers, umask=0o077)  # as some roots have it
    assert done.returncode == 0, done.stdout + done.stderr
    return Installation(layers=(system.upper, bare), said=done.stdout)


@pytest.fixture
def installed(installation: Installation, place: Path) -> Iterator[System]:
    """A system with Tapwatt, to be changed."""
    with layer(place, *installation.layers) as system:
        yield system


@pytest.fixture
def untouched(bare: Path, place: Path) -> Iterator[System]:
    """A bare Debian, to be changed."""
    with layer(place, bare) as system:
        yield system

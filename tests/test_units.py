"""The systemd units: how much each leaves open, and that systemd understands every word of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[1] / "systemd"
UNITS = ("edge", "csms", "bridge", "kiosk")
MOST_EXPOSED = {"edge": 1.5, "csms": 2.0, "bridge": 2.0, "kiosk": 2.0}
EXECUTABLES = (
    "opt/tapwatt/current/bin/tapwatt",
    "opt/tapwatt/current/bin/python",
    "usr/bin/cage",
    "usr/bin/install",
)

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": ""},
    )


def exposure(unit: Path) -> float:
    """What `systemd-analyze security` makes of *unit*, offline."""
    told = analyze("security", "--offline=true", unit).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert found, told
    return float(found.group(1))


def exposures() -> dict[str, float]:
    return {unit: exposure(SYSTEMD / f"tapwatt-{unit}.service") for unit in UNITS}


def test_units_leave_little_open(record_line: Callable[[str], None]) -> None:
    """0 is a unit that can do nothing, 10 one that may do all."""
    found = exposures()
    record_line("exposure of the units: " + ", ".join(f"{u} {v}" for u, v in found.items()))
    assert [unit for unit in UNITS if found[unit] > MOST_EXPOSED[unit]] == []


def test_an_open_unit_is_seen(tmp_path: Path) -> None:
    """The same unit without one line of its sandbox is more exposed."""
    unit = tmp_path / "tapwatt-edge.service"
    text = (SYSTEMD / unit.name).read_text()
    unit.write_text(text.replace("CapabilityBoundingSet=\n", ""))
    assert exposure(unit) > MOST_EXPOSED["edge"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """As much of a system as the units name: this machine's targets, and what they start."""
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for unit in SYSTEMD.glob("*.service"):
        shutil.copy(unit, units)
    targets = tmp_path / "usr/lib/systemd/system"
    targets.mkdir(parents=True)
    for target in Path("/usr/lib/systemd/system").glob("*.target"):
        shutil.copy(target, targets, follow_symlinks=False)
    for name in EXECUTABLES:
        made = tmp_path / name
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text("#!/bin/sh\n")
        made.chmod(0o755)
    return tmp_path


def verified(root: Path) -> str:
    """All that systemd has to say of the units; it ends with 0 whatever it says."""
    done = analyze(f"--root={root}", "verify", *(f"tapwatt-{unit}.service" for unit in UNITS))
    return done.stdout + done.stderr


def test_systemd_understands_every_word(root: Path) -> None:
    """A setting with a slip in its name is one that does not hold."""
    assert {unit.name for unit in SYSTEMD.glob("*.service")} == {
        f"tapwatt-{u}.service" for u in UNITS
    }
    assert verified(root) == ""


def test_a_slip_is_seen(root: Path) -> None:
    """The check checks: one letter."""
    unit = root / "etc/systemd/system/tapwatt-edge.service"
    unit.write_text(unit.read_text().replace("WatchdogSec", "WatchdogSex"))
    assert "WatchdogSex" in verified(root)

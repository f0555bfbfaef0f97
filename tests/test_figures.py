"""Figures that tests record are added up and printed at the end of the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CASES = """
import pytest

@pytest.mark.parametrize("count", [1000, 200, 34])
def test_sweep(record_figure, count):
    record_figure("crash points swept", count)

def test_that_fails_counts_nothing(record_figure):
    record_figure("crash points swept", 1)
    raise AssertionError
"""


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_figures_of_one_name_add_up(tmp_path: Path, spread: tuple[str, ...]) -> None:
    """Wherever the tests ran; what failed is not counted."""
    (tmp_path / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    (tmp_path / "test_cases.py").write_text(CASES)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *spread, tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "crash points swept: 1,234" in done.stdout.splitlines(), done.stdout

"""The wheel that a user installs is whole: code, tables, pages, entry points."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LOAD_EVERYTHING = """
import importlib.metadata, pathlib, sys
import csms_lite, edge
for package in (edge, csms_lite):
    assert pathlib.Path(package.__file__).is_relative_to(sys.argv[1]), package
for group in ("tapwatt.commands", "edge.drivers"):
    for entry in importlib.metadata.entry_points(group=group):
        assert callable(entry.load()), entry
        print(group, entry.name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the tree with what is installed; nothing is fetched."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (built,) = out.glob("*.whl")
    return built


@pytest.mark.slow
def test_wheel_carries_what_is_read_beside_the_code(wheel: Path) -> None:
    """SQL, meter tables and pages are there; tools, tests and caches are not."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for pattern in ("edge/**/*.sql", "edge/**/*.toml", "csms_lite/**/*.sql")
        for path in ROOT.glob(pattern)
    }
    assert wanted
    assert wanted <= inside
    pages = ("index.html", "config.json", "status.schema.json", "conformance.json")
    assert {f"edge/_hmi/{name}" for name in pages} <= inside
    tops = {name.split("/")[0] for name in inside if ".dist-info/" not in name}
    assert tops == {"edge", "csms_lite"}
    assert [name for name in inside if "node_modules" in name or "__pycache__" in name] == []


@pytest.mark.slow
def test_every_entry_point_of_the_wheel_loads(wheel: Path, tmp_path: Path) -> None:
    """The wheel is unpacked away from the tree: nothing is found by standing in the tree."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOAD_EVERYTHING, site],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "tapwatt.commands demo" in done.stdout

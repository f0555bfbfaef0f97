"""The import contracts of pyproject.toml are kept, and each really catches what it forbids."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = Path(sys.executable).parent / "lint-imports"

# contract -> (file to plant, its import, empty files that the import needs)
PLANTS = {
    "layers": ("edge/drivers/peek.py", "import edge.runtime", ()),
    "pure-core": ("edge/core/clocked.py", "import time", ()),
    "independence-csms": ("csms_lite/peek.py", "import edge.core.events", ()),
    "independence-edge": ("edge/peek.py", "import csms_lite", ()),
    "layers-csms": ("csms_lite/people/peek.py", "import csms_lite.sessions.rules", ()),
    "ocpp": ("edge/drivers/peek.py", "import ocpp.v16", ()),
    "notifier": ("edge/notifier.py", "import edge.errors", ()),
    "leaves": ("edge/wholefile.py", "import edge.errors", ()),
    "wire": ("edge/ocppj/peek.py", "import edge.errors", ()),
    "hmi": ("edge/hmi/peek.py", "import edge.errors", ()),
    "drivers": ("edge/drivers/lamp.py", "import edge.drivers.fan", ("edge/drivers/fan.py",)),
    "recording": ("edge/recording/peek.py", "import edge.ports", ()),
    "control": ("edge/control/peek.py", "import edge.ports", ()),
    "bridge": ("edge/cli/peek.py", "import edge.bridge.rules", ()),
    "bridge-alone": ("edge/bridge/peek.py", "import edge.ports", ()),
}


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages, small enough to plant a fault in."""
    tree = tmp_path_factory.mktemp("layers")
    for package in ("edge", "csms_lite"):
        shutil.copytree(
            ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def lint(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT, "--no-logo", "--no-cache", *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_contract_has_a_planted_fault() -> None:
    """A contract that nothing can break guards nothing."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in contracts} == set(PLANTS)


@pytest.mark.parametrize("contract", sorted(PLANTS))
def test_planted_import_breaks_its_contract(skeleton: Path, contract: str) -> None:
    """The linter names the planted module."""
    name, line, others = PLANTS[contract]
    planted = [skeleton / name, *(skeleton / other for other in others)]
    before = {path: path.read_text() for path in planted if path.exists()}
    planted[0].write_text(line + "\n")
    for other in planted[1:]:
        other.write_text("")
    try:
        result = lint(skeleton, "--contract", contract)
    finally:
        for path in planted:
            path.unlink()
        for path, text in before.items():
            path.write_text(text)
    module = name.removesuffix(".py").replace("/", ".")
    assert result.returncode == 1, result.stdout
    assert module in result.stdout

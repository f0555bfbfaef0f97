"""The page's pure modules, tested in their own language by `node --test`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("module", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.stem)
def test_javascript_modules_behave(module: Path) -> None:
    """Each *.test.mjs beside this file passes, and holds tests at all."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is missing: run scripts/test, which puts one on PATH")
    run = subprocess.run(
        [node, "--test", "--test-reporter=tap", str(module)],
        env={"PATH": os.defpath, "NODE_OPTIONS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "\n# fail 0\n" in run.stdout
    assert "\n# pass 0\n" not in run.stdout

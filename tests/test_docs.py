"""What the README says is there: its scripts, its files, its commands and its settings."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from edge.drivers.meter_model import bundled

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
TAPWATT = Path(sys.executable).parent / "tapwatt"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def shell_lines() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines() if line.strip()]


def tapwatt_commands() -> list[str]:
    return sorted(
        {found for line in shell_lines() for found in re.findall(r"tapwatt ([^#)|]+)", line)}
    )


def test_scripts_named_in_the_readme_can_be_run() -> None:
    """A stranger types what stands there."""
    named = set(re.findall(r"scripts/[a-z]+\b(?!\.)", " ".join(shell_lines())))
    assert named
    assert [name for name in named if not os.access(ROOT / name, os.X_OK)] == []


def test_no_command_of_the_readme_shows_a_secret() -> None:
    """A word of a command is in the list of processes, for every user of the computer."""
    asks = [line.rpartition("|")[2] for line in shell_lines() if "curl" in line]
    assert asks
    assert [line for line in asks if re.search(r"[Bb]earer|token|\$|-u ", line)] == []


def test_links_of_the_readme_lead_somewhere() -> None:
    """Pictures and files that the README points at are kept with it."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("command", tapwatt_commands())
def test_commands_of_the_readme_are_understood(command: str) -> None:
    """Its verbs are there and list every option that the README uses."""
    words = shlex.split(command)
    verbs = [word for word in words if re.fullmatch(r"[a-z._]+", word)]
    options = [word for word in words if word.startswith("--")]
    done = subprocess.run(
        [TAPWATT, *verbs, "--help"], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert [option for option in options if option not in done.stdout] == []


def test_configuration_of_the_readme_is_sound(tmp_path: Path) -> None:
    """Whoever copies it can start with it."""
    words: list[str | Path] = [TAPWATT, "edge", "config", "check"]
    edge = [block for block in blocks("toml") if "database =" not in block]
    for number, settings in enumerate(edge):  # each adds to those before
        (tmp_path / f"{number}.toml").write_text(settings)
        words += ["--config", tmp_path / f"{number}.toml"]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr


def test_the_bridge_s_configuration_in_the_readme_is_sound(tmp_path: Path) -> None:
    """With and without what stands there as a comment, but for files that are not here."""
    (block,) = [block for block in blocks("toml") if "database =" in block]
    for text in (block, re.sub(r"# (name)", r"\1", block)):
        (tmp_path / "bridge.toml").write_text(text)
        words = [sys.executable, "-m", "edge.bridge", "--dev", "--check", "--config"]
        done = subprocess.run(
            [*words, tmp_path / "bridge.toml"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr


def test_every_meter_model_is_in_the_table() -> None:
    """Whoever buys a meter looks here first."""
    listed = set(re.findall(r"`([a-z0-9-]+)`", README[README.index("| maker | `model` |") :]))
    assert set(bundled()) <= listed

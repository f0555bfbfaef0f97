"""The installer's command is run on the image, within its time; its end is our verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.drivers.updater import CommandUpdater
from edge.errors import InstallFailed


def updater(*command: str, within_s: float = 10.0, rehearses: bool = False) -> CommandUpdater:
    return CommandUpdater(command, within_s=within_s, rehearses=rehearses)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    made = tmp_path / "image"
    made.write_bytes(b"new")
    return made


async def test_the_command_is_given_the_image_as_its_last_word(image: Path) -> None:
    """No shell: words stay words."""
    copy = image.with_name("installed; rm x")
    await updater("sh", "-c", 'cp "$1" "$0"', str(copy)).install(image)
    assert copy.read_bytes() == b"new"


async def test_a_command_that_fails_is_quoted(image: Path) -> None:
    """The installer reads why."""
    with pytest.raises(InstallFailed, match="status 3: no room left"):
        await updater("sh", "-c", "echo no room left >&2; exit 3").install(image)


async def test_a_command_that_is_not_there_is_told(image: Path) -> None:
    """A typing error in edge.toml."""
    with pytest.raises(InstallFailed, match="/no/such/thing cannot be run"):
        await updater("/no/such/thing").install(image)


async def test_a_command_without_end_is_ended_with_its_children(image: Path) -> None:
    """Limits: an installation has its time."""
    with pytest.raises(InstallFailed, match=r"not done in 0\.3 s"):
        await updater("sh", "-c", "sleep 60 & sleep 60", within_s=0.3).install(image)


async def test_without_a_command_nothing_is_installed(image: Path) -> None:
    """The default is an honest failure that says what to set."""
    with pytest.raises(InstallFailed, match="install"):
        await updater().install(image)


async def test_the_simulated_bay_rehearses(image: Path) -> None:
    """There is nothing to install there, and TC_044_1 shall run."""
    await updater(rehearses=True).install(image)

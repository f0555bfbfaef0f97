"""The installer's command is run on the image, within its time; its end is our verdict."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from edge.drivers.updater import CommandUpdater
from edge.errors import InstallFailed
from tests.waiting import until


def updater(*command: str, within_s: float = 10.0, rehearses: bool = False) -> CommandUpdater:
    return CommandUpdater(command, within_s=within_s, rehearses=rehearses)


def slow(tmp_path: Path, last: str = "exit 0") -> tuple[str, ...]:
    """A command that tells its process, and goes on once `go` is there."""
    waits = 'echo $$ > "$0/pid"; while ! [ -e "$0/go" ]; do sleep 0.05; done'
    return ("sh", "-c", f'{waits}; touch "$0/done"; {last}', str(tmp_path))


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


async def test_only_the_end_of_a_long_report_is_kept(image: Path) -> None:
    """Limits: a command that never stops talking fills neither memory nor disk."""
    with pytest.raises(InstallFailed) as caught:
        await updater("sh", "-c", "seq 100000; echo last words; exit 1").install(image)
    assert str(caught.value).endswith("last words")
    assert len(str(caught.value)) < 400


async def test_a_command_that_is_not_there_is_told(image: Path) -> None:
    """A typing error in edge.toml."""
    with pytest.raises(InstallFailed, match="/no/such/thing cannot be run"):
        await updater("/no/such/thing").install(image)


async def test_a_command_without_end_is_ended_with_its_children(
    image: Path, tmp_path: Path
) -> None:
    """Limits: an installation has its time."""
    script = 'sleep 60 & echo $! > "$0"; sleep 60'
    with pytest.raises(InstallFailed, match=r"not done in 0\.5 s"):
        await updater("sh", "-c", script, str(tmp_path / "pid"), within_s=0.5).install(image)
    child = int((tmp_path / "pid").read_text())
    await until(lambda: not runs(child))


async def test_what_a_command_leaves_running_does_not_hold_up_its_verdict(image: Path) -> None:
    """A service that it starts may keep its output open for ever."""
    await updater("sh", "-c", "sleep 5 & exit 0", within_s=4.0).install(image)


def runs(process: int) -> bool:
    """Whether it lives; a zombie does not."""
    try:
        return state_of(process)[0] != "Z"
    except FileNotFoundError:
        return False


def names(directory: Path) -> list[str]:
    return [file.name for file in directory.iterdir()]


def parent_of(process: int) -> int:
    return int(state_of(process)[1])


def state_of(process: int) -> list[str]:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


async def test_without_a_command_nothing_is_installed(image: Path) -> None:
    """The default is an honest failure that says what to set."""
    with pytest.raises(InstallFailed, match="install"):
        await updater().install(image)


async def test_the_simulated_bay_rehearses(image: Path) -> None:
    """There is nothing to install there, and TC_044_1 shall run."""
    await updater(rehearses=True).install(image)


@pytest.mark.parametrize(("last", "why"), [("exit 0", None), ("exit 7", "status 7")])
async def test_a_command_outlives_who_began_it(
    image: Path, tmp_path: Path, last: str, why: str | None
) -> None:
    """A daemon that ends amid an installation lets it finish; the next one learns how it went."""
    begun = asyncio.ensure_future(updater(*slow(tmp_path, last)).install(image))
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    begun.cancel()
    with pytest.raises(asyncio.CancelledError):
        await begun
    process = int((tmp_path / "pid").read_text())
    assert runs(process)
    assert os.getsid(process) != os.getsid(0)
    next_one = updater("not run again")
    assert next_one.has_begun(image)
    with pytest.raises(InstallFailed, match="still runs"):
        await next_one.forget(image)
    waiting = asyncio.ensure_future(next_one.install(image))
    await asyncio.sleep(0)
    assert not waiting.done()
    (tmp_path / "go").touch()
    if why is None:
        await waiting
    else:
        with pytest.raises(InstallFailed, match=why):
            await waiting
    assert (tmp_path / "done").exists()


async def test_a_verdict_is_kept_until_another_image_comes(image: Path, tmp_path: Path) -> None:
    """Whoever asks later hears the same, and nothing is installed twice."""
    count = ("sh", "-c", 'echo x >> "$0"', str(tmp_path / "count"))
    await updater(*count).forget(image)
    assert not updater(*count).has_begun(image)
    assert names(tmp_path) == ["image"]
    await updater(*count).install(image)
    await updater(*count).install(image)
    assert (tmp_path / "count").read_text() == "x\n"
    await updater(*count).forget(image)
    assert not updater(*count).has_begun(image)
    await updater(*count).install(image)
    assert (tmp_path / "count").read_text() == "x\nx\n"


async def test_an_installation_that_died_is_a_failed_one(image: Path, tmp_path: Path) -> None:
    """The power went, or somebody killed it: no verdict is no success."""
    begun = asyncio.ensure_future(updater(*slow(tmp_path)).install(image))
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    command = int((tmp_path / "pid").read_text())
    os.kill(parent_of(command), 9)
    with pytest.raises(InstallFailed, match="interrupted"):
        await begun
    with pytest.raises(InstallFailed, match="interrupted"):
        await updater("not run again").install(image)
    (tmp_path / "go").touch()
    await until(lambda: not runs(command))

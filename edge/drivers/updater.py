"""Installs firmware by the installer's own command, which knows how this computer is updated.

The command is a list of words in edge.toml ([firmware] install); the image's path is the last word.
Exit status 0 means: the new version runs after the next start. No shell, no word from outside.
It runs under the script `installation`, a process that outlives ours, which leaves its verdict
beside the image; a lock, which that process holds until it ends, tells whether to wait for it.

Quality: tested with real processes; what the command does is the installer's.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import structlog

from edge.errors import InstallFailed
from edge.wholefile import sync_directory

LOOK_S: Final = 0.2

_SCRIPT: Final = Path(__file__).with_name("installation.py")

log = structlog.get_logger()


class CommandUpdater:
    """Implements `edge.ports.Updater`; *rehearses*: without a command it only says that it did."""

    def __init__(self, command: tuple[str, ...], *, within_s: float, rehearses: bool) -> None:
        self._command = command
        self._within_s = within_s
        self._rehearses = rehearses

    async def install(self, image: Path) -> None:
        """Run the command on *image*, or wait for the one that runs; raises `InstallFailed`."""
        if not self._command:
            if self._rehearses:
                log.info("installation_rehearsed", image=image.name)
                return
            raise InstallFailed(
                "no command installs firmware here: set [firmware] install in edge.toml"
            )
        process = None if self.has_begun(image) else self._begin(image)
        while _is_held(_lock_of(image)):  # noqa: ASYNC110  a file's lock has no event
            await asyncio.sleep(LOOK_S)
        if process is not None:
            process.wait()  # its lock is free: it has ended, or is about to
        _judge(self._command[0], _read(_outcome_of(image)))

    def has_begun(self, image: Path) -> bool:
        """It runs, or has left its verdict."""
        return _outcome_of(image).exists() or _is_held(_lock_of(image))

    async def forget(self, image: Path) -> None:
        """Remove the verdict on an earlier image of this name, for good."""
        if _is_held(_lock_of(image)):
            raise InstallFailed("an earlier installation still runs: ask again later")
        await asyncio.to_thread(_remove, _outcome_of(image))

    def _begin(self, image: Path) -> subprocess.Popen[bytes]:
        """Start the process that holds the lock from its first moment on, and ours no longer."""
        with _lock_of(image).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            words = [str(_outcome_of(image)), str(self._within_s), *self._command, str(image)]
            return subprocess.Popen(  # noqa: S603  our own script and the owner's words
                [sys.executable, "-P", str(_SCRIPT), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[lock.fileno()],
            )


def _lock_of(image: Path) -> Path:
    return image.with_name(image.name + ".lock")


def _outcome_of(image: Path) -> Path:
    return image.with_name(image.name + ".outcome")


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass  # nothing was ever installed here
    return False


def _remove(outcome: Path) -> None:
    outcome.unlink(missing_ok=True)
    sync_directory(outcome.parent)


def _read(outcome: Path) -> dict[str, Any]:
    """What the installation said of itself; it may have been killed before its first word."""
    try:
        said: dict[str, Any] = json.loads(outcome.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"why": "was killed before it began"}
    return said


def _judge(command: str, said: dict[str, Any]) -> None:
    if "why" in said:
        raise InstallFailed(f"{command} {said['why']}")
    if said["status"] != 0:
        raise InstallFailed(f"{command} ended with status {said['status']}: {said['words']}")
    log.info("firmware_installed", by=command)

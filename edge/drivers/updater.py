"""Installs firmware by the installer's own command, which knows how this computer is updated.

The command is a list of words in edge.toml ([firmware] install); the image's path is the last word.
Exit status 0 means: the new version runs after the next start. No shell, no word from outside.

Quality: tested with real processes; what the command does is the installer's.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from edge.errors import InstallFailed

TOLD_MAX: Final = 300  # characters of the command's last words that are kept
OUTPUT_MAX: Final = 65_536

log = structlog.get_logger()


class CommandUpdater:
    """Implements `edge.ports.Updater`; *rehearses*: without a command it only says that it did."""

    def __init__(self, command: tuple[str, ...], *, within_s: float, rehearses: bool) -> None:
        self._command = command
        self._within_s = within_s
        self._rehearses = rehearses

    async def install(self, image: Path) -> None:
        """Run the command on *image*; raises `InstallFailed`."""
        if not self._command:
            if self._rehearses:
                log.info("installation_rehearsed", image=image.name)
                return
            raise InstallFailed(
                "no command installs firmware here: set [firmware] install in edge.toml"
            )
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                str(image),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise InstallFailed(f"{self._command[0]} cannot be run: {error.strerror}") from error
        try:
            async with asyncio.timeout(self._within_s):
                words = await _last_words(process)
                status = await process.wait()
        except TimeoutError:
            raise InstallFailed(f"{self._command[0]} was not done in {self._within_s} s") from None
        finally:
            await _end(process)
        if status != 0:
            raise InstallFailed(f"{self._command[0]} ended with status {status}: {words}")
        log.info("firmware_installed", by=self._command[0])


async def _last_words(process: asyncio.subprocess.Process) -> str:
    """Read all that it says, keep the end."""
    assert process.stdout is not None  # a pipe was asked for
    kept = b""
    while chunk := await process.stdout.read(OUTPUT_MAX):
        kept = (kept + chunk)[-TOLD_MAX:]
    return " ".join(kept.decode(errors="replace").split())


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave no process behind that was cut short, nor one that it started."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()

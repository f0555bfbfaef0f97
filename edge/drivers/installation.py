"""A script of its own: one installation, which outlives the daemon that began it.

Arguments: the file for its outcome, its seconds, and the command. The command ends by itself or by
the time limit, never because the daemon did: an interrupted installation leaves half a system.
What came of it is one JSON object, {"status": n, "words": its last output} or {"why": sentence}.
The first, which says that it was interrupted, is written before the command runs. Needs nothing
then but what it has loaded: the command may replace this file.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from edge.wholefile import write_whole

WORDS_MAX: Final = 300  # characters of the command's last words that are kept
CHUNK: Final = 65_536
LINGER_S: Final = 1.0  # what the command started may hold its output open for ever


def install(outcome: Path, within_s: float, command: list[str]) -> None:
    """Run *command*, end it and what it started after *within_s*, write down how it went."""
    _write(outcome, {"why": "was interrupted: nobody knows how far it came"})
    try:
        process = subprocess.Popen(  # noqa: S603  the owner's words, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        _write(outcome, {"why": f"cannot be run: {error.strerror}"})
        return
    assert process.stdout is not None  # a pipe was asked for
    words = _Words(process.stdout)
    try:
        status = process.wait(within_s)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _write(outcome, {"why": f"was not done in {within_s:g} s"})
        return
    words.join(LINGER_S)
    _write(outcome, {"status": status, "words": str(words)})


class _Words(threading.Thread):
    """Reads all that the command says, keeps the end."""

    def __init__(self, output: IO[bytes]) -> None:
        super().__init__(name="words", daemon=True)
        self._output = output
        self._kept = b""
        self.start()

    def run(self) -> None:
        while chunk := self._output.read1(CHUNK):  # type: ignore[attr-defined]  # it is buffered
            self._kept = (self._kept + chunk)[-WORDS_MAX:]

    def __str__(self) -> str:
        return " ".join(self._kept.decode(errors="replace").split())


def _write(outcome: Path, said: dict[str, object]) -> None:
    """Put it on the disk, all or nothing: a power cut after the installation must not hide it."""
    write_whole(outcome, json.dumps(said).encode())


if __name__ == "__main__":
    install(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])

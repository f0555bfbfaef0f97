"""Processes of ours: started, awaited by a line on a pipe, watched, and ended by their number.

A child dies with us, whatever kills us: the kernel sends it SIGTERM when its parent is gone.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from edge.errors import DriverError

READY_S: Final = 20.0  # a Pi Zero imports the central system in 8 s
LEAVE_S: Final = 4.0  # our processes need 2 s at most; then they are killed
PR_SET_PDEATHSIG: Final = 1
LAST_BYTES: Final = 4096
LIBC: Final = ctypes.CDLL(None)


class Child:
    """One running `tapwatt …`; its output goes to the file *log*.

    Raises `DriverError` if it ends, or says nothing for `READY_S`, before it is ready.
    """

    def __init__(self, name: str, words: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self._ready, write = os.pipe()
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  our own command line
                [sys.executable, "-m", "edge", *words, "--ready-fd", str(write)],
                pass_fds=(write,),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for us: we end them in order
                preexec_fn=_dies_with(os.getpid()),  # noqa: PLW1509  we have no threads
            )
        os.close(write)
        self.ended = os.pidfd_open(self._process.pid)

    def ready(self) -> dict[str, Any]:
        """Wait for its line of readiness."""
        said = b""
        while not said.endswith(b"\n"):
            if not select.select([self._ready], [], [], READY_S)[0]:
                raise DriverError(f"{self.name} is not ready after {READY_S:.0f} s: see {self.log}")
            part = os.read(self._ready, LAST_BYTES)
            if not part:
                raise DriverError(f"{self.name} does not start: {_last_line(self.log)}")
            said += part
        answer: dict[str, Any] = json.loads(said)
        return answer

    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return bool(select.select([self.ended], [], [], 0)[0])

    def fate(self) -> str:
        """How it ended, now that it has."""
        status = self._process.wait(LEAVE_S)
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        return f"{self.name} has ended ({how}), what it said is in {self.log}"

    def gone(self) -> None:
        """Wait until it has ended by itself; raises `DriverError`."""
        try:
            self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired as problem:
            raise DriverError(f"{self.name} still runs after {LEAVE_S:.0f} s") from problem

    def end(self) -> None:
        """Have it end; kill it if it does not."""
        try:
            self._process.terminate()
            self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            for descriptor in (self.ended, self._ready):
                os.close(descriptor)


def first_to_end(children: Iterable[Child]) -> Child:
    """Wait until one of *children* ends."""
    watched = {child.ended: child for child in children}
    ended, _, _ = select.select(list(watched), [], [])
    return watched[ended[0]]


def _dies_with(parent: int) -> Callable[[], None]:
    def arrange() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


def _last_line(log: Path) -> str:
    words = log.read_bytes()[-LAST_BYTES:].decode(errors="replace").splitlines()
    return next((line.strip() for line in reversed(words) if line.strip()), "it said nothing")

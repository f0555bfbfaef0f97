"""The end of the process: it is replaced, or it is gone, whatever still hangs."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import Final

import structlog

from edge.app.daemon import Ending
from edge.notifier import Notifier

RESTART_PAUSE_S: Final = 1.0  # an upgrade takes the interpreter away for about as long

log = structlog.get_logger()


def leave(ending: Ending, retries: int) -> None:
    """Replace the process, or end it without waiting for anybody's thread.

    A service manager (`Restart=always`) starts the next one itself, after its ExecStopPost and
    from what is installed by then; else the process is replaced. A restart that fails is tried
    again up to *retries* times; then the exit status says so, and whoever watches over us starts
    us.
    """
    signal.setitimer(signal.ITIMER_REAL, 0)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, AttributeError):  # nobody reads it, the disk is full, it is closed
            stream.flush()
    if ending is Ending.STOPPED or Notifier(os.environ).is_heard:
        os._exit(0)
    words = [sys.executable, *_without_ready_fd(sys.orig_argv[1:])]
    for left in range(retries, -1, -1):
        try:
            os.execv(words[0], words)  # noqa: S606  our own command line
        except OSError as error:
            log.critical("restart_failed", why=str(error), retries_left=left)
        if left:
            time.sleep(RESTART_PAUSE_S)
    os._exit(1)


def _without_ready_fd(words: list[str]) -> list[str]:
    """Drop `--ready-fd N`: who waited has heard, and the descriptor is somebody else's now."""
    kept: list[str] = []
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "--ready-fd":
            words.pop(0)
        elif not word.startswith("--ready-fd="):
            kept.append(word)
    return kept

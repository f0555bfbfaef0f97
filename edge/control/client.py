"""Ask a control socket: one request, one answer, or a stream of lines. Blocking, for commands."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edge.control.lines import decode, encode
from edge.errors import DriverError, NobodyListens

WITHIN_S: Final = 30.0


def ask(
    path: str | Path, op: str, *, within_s: float = WITHIN_S, **arguments: Any
) -> dict[str, Any]:
    """The answer to `op`; `{"error": …}` if it was refused.

    Raises `NobodyListens` on *path*, `DriverError` if no answer comes in time.
    """
    with _connected(path, within_s) as sock:
        try:
            sock.sendall(encode({"op": op} | arguments))
            with sock.makefile("rb") as lines:
                answer = lines.readline()
        except OSError as problem:
            raise DriverError(f"no answer from {path} to {op}: {problem}") from problem
    if not answer.endswith(b"\n"):
        raise DriverError(f"{path} hung up instead of answering {op}")
    return decode(answer)


def follow(path: str | Path, op: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    """The lines of a stream verb, until the other side ends it. Raises `NobodyListens`."""
    with _connected(path, None) as sock:
        sock.sendall(encode({"op": op} | arguments))
        with sock.makefile("rb") as lines:
            for line in lines:
                yield decode(line)


@contextlib.contextmanager
def _connected(path: str | Path, within_s: float | None) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(within_s)
        try:
            sock.connect(str(path))
        except OSError as problem:
            reason = problem.strerror or str(problem)
            raise NobodyListens(f"nobody listens on {path} ({reason}): is it running?") from problem
        yield sock

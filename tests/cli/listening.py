"""A daemon's control socket that gives one answer."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any


def listening(path: Path, answer: dict[str, Any]) -> tuple[threading.Thread, list[object]]:
    """A control socket that takes one request and gives *answer*."""
    asked: list[object] = []
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def serve() -> None:
        with server, server.accept()[0] as connection, connection.makefile("rwb") as lines:
            asked.append(json.loads(lines.readline()))
            lines.write(json.dumps(answer).encode() + b"\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread, asked

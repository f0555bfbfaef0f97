"""The running controller's socket: whatever an object on it says is answered, and costs nothing."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from edge.app.daemon import Daemon
from tests.control.nonsense import nonsense
from tests.together.edge_bench import bench
from tests.waiting import WITHIN_S

pytestmark = pytest.mark.together

PLAY = settings(
    max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
ENDS = ("stop",)


async def test_no_request_ends_its_connection(tmp_path: Path) -> None:
    """Over one line: an answer, or a sentence that says what is wrong, for each of them."""
    async with bench(tmp_path) as made:
        made.start()
        verbs = {op: verb for op, verb in Daemon(tmp_path).verbs("").items() if op not in ENDS}
        path = tmp_path / "d" / "control.sock"
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(WITHIN_S)
            line.connect(str(path))
            answers = line.makefile("rb")

            @seed(5)
            @PLAY
            @given(requests=nonsense(verbs))
            def ask_all(requests: list[dict[str, Any]]) -> None:
                for request in requests:
                    line.sendall(json.dumps(request).encode() + b"\n")
                    answer = answers.readline()
                    assert answer.endswith(b"\n"), request

            await asyncio.to_thread(ask_all)
        assert made.control("status")["station"]

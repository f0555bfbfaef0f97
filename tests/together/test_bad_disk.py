"""The whole daemon on a disk that takes no more: what is Accepted is on it, what has Failed is not.

The kernel refuses to let the daemon's files grow (RLIMIT_FSIZE), so the real journal meets a real
error, with nothing of the product in between.
"""

from __future__ import annotations

import asyncio
import resource
import signal
from pathlib import Path
from typing import Any

from tests.together.edge_bench import Bench, bench, end
from tests.waiting import until

SOME_ROOM = 64 * 1024  # for a session's rows, not for a list of a thousand tags
NO_ROOM = 32 * 1024  # of each file: the journal's log is past that, the daemon's log is not
GOOD = {"status": "Accepted", "parentIdTag": "P" * 20, "expiryDate": "2099-01-01T00:00:00Z"}


def tags(count: int) -> list[dict[str, Any]]:
    return [{"idTag": f"TAG-{number:016}", "idTagInfo": GOOD} for number in range(count)]


async def send_list(made: Bench, unique_id: str, version: int, count: int) -> str:
    """SendLocalList, answered without waiting for anything but the disk's first word."""
    payload = {
        "listVersion": version,
        "updateType": "Full",
        "localAuthorizationList": tags(count),
    }
    async with asyncio.timeout(5):
        answer = await made.central.command(unique_id, "SendLocalList", payload)
    return str(answer["status"])


async def version(made: Bench, unique_id: str) -> int:
    answer = await made.central.command(unique_id, "GetLocalListVersion", {})
    return int(answer["listVersion"])


def log_size(made: Bench) -> int:
    return (made.directory / "d" / "journal.sqlite3-wal").stat().st_size


def bound(made: Bench, most: int) -> None:
    """Let no file of the daemon be written beyond *most* bytes."""
    assert made.daemon is not None
    resource.prlimit(made.daemon.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


async def test_a_list_that_does_not_fit_on_the_disk(tmp_path: Path) -> None:
    """TC_043_3: it has Failed, the old one is in force, and what must be written is not held up."""
    async with bench(tmp_path) as made:
        made.start()
        await until(lambda: "Available" in made.central.statuses(1))
        assert await send_list(made, "l1", 1, 1) == "Accepted"
        bound(made, log_size(made) + SOME_ROOM)
        assert await send_list(made, "l2", 2, 1000) == "Failed"
        assert await version(made, "v1") == 1
        await made.sim("plug", connector=1)
        await made.tap()
        await until(lambda: made.central.payloads("StartTransaction"))
        assert made.control("status")["recorded"]

        assert log_size(made) > NO_ROOM
        bound(made, NO_ROOM)
        await made.sim("unplug", connector=1)
        await until(lambda: not made.control("status")["recorded"])
        assert await send_list(made, "l3", 3, 1) == "Failed"
        assert not made.central.payloads("StopTransaction")

        bound(made, resource.RLIM_INFINITY)
        await until(lambda: made.control("status")["recorded"])
        await until(lambda: made.central.payloads("StopTransaction"))
        assert await version(made, "v2") == 1
        assert made.daemon is not None
        end(made.daemon, signal.SIGKILL)
        made.central.calls.clear()
        made.start()
        await until(lambda: made.central.payloads("BootNotification"))
        assert await version(made, "v3") == 1
        assert await send_list(made, "l4", 4, 1000) == "Accepted"
        assert await version(made, "v4") == 4

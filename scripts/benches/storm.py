"""A car park whose power comes back: every charger connects and boots in the same tick.

Each of the chargers is known to csms_lite and was in a session when the power went. All open their
socket at once, boot, tell two statuses and the end of the session, each after the answer before.
Nothing may be refused (no CALLERROR, no socket closed) and nothing lost: every boot, status and
end is asked for afterwards. Said as well: how long it took, and the memory per idle connection.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.benches.parts.callers import Caller, connected
from scripts.benches.parts.figures import percentile, tell
from scripts.benches.parts.processes import TAPWATT, ready_process, short_directory

CHARGERS: Final = 1000
LARGEST_KIB: Final = 64
"""Memory per connection that we accept; a Pi with 1 GB has room for ten thousand of these."""
BOOT: Final = {"chargePointVendor": "Bench", "chargePointModel": "Storm"}
AT: Final = "2026-01-01T00:00:00Z"
CALLRESULT, CALLERROR = 3, 4
NUMBERS: Final = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the storm came to."""

    took_s: float
    boot_s: list[float]
    errors: int
    lost: int
    kib: float


def main(argv: Sequence[str]) -> int:
    """Print one line; 1 when anything was refused or lost."""
    parser = argparse.ArgumentParser(prog="scripts/bench storm")
    parser.add_argument("--chargers", type=int, default=CHARGERS)
    options = parser.parse_args(argv)
    seen = asyncio.run(_storm(options.chargers))
    figures = (
        f"chargers={options.chargers} callerrors={seen.errors} lost={seen.lost}"
        f" all_done_s={seen.took_s:.1f} boot_p99_s={percentile(seen.boot_s, 0.99):.2f}"
        f" kib_per_connection={seen.kib:.0f}"
    )
    met = seen.errors == 0 and seen.lost == 0 and seen.kib <= LARGEST_KIB
    return tell("storm", figures, f"0 CALLERROR, 0 lost, {LARGEST_KIB} KiB each", met=met)


async def _storm(count: int) -> Seen:
    names = [f"STORM-{number}" for number in range(count)]
    with short_directory() as directory:
        words = ("csms", "run", "--ocpp-port", "0", "--http-port", "0", "--no-local-lists")
        command = (TAPWATT, *words, "--state-dir", str(directory))
        environment = os.environ | {"TAPWATT_CSMS_ACCEPT_UNKNOWN": "true"}
        async with ready_process(command, env=environment) as (process, told):
            urls = [f"{told['ocpp']}/{name}" for name in names]
            begun = [await _begin(url) for url in urls]
            before_kib = _rss_kib(process.pid)
            loop = asyncio.get_running_loop()
            began = loop.time()
            callers = await connected(urls)
            talks = [
                _return(caller, session) for caller, session in zip(callers, begun, strict=True)
            ]
            ends = await asyncio.gather(*talks)
            took_s = loop.time() - began
            kib = (_rss_kib(process.pid) - before_kib) / count
            for caller in callers:
                caller.close()
        return Seen(
            took_s=took_s,
            boot_s=[at - began for at, _ in ends],
            errors=sum(errors for _, errors in ends),
            lost=_missing(directory / "csms.db", names),
            kib=kib,
        )


async def _begin(url: str) -> int:
    """Boot, begin a session, and lose power; gives the session's number."""
    (caller,) = await connected([url])
    _expect(await _call(caller, "BootNotification", BOOT))
    start = {"connectorId": 1, "idTag": "BENCH", "meterStart": 0, "timestamp": AT}
    answer = _expect(await _call(caller, "StartTransaction", start))
    caller.close()
    return int(answer["transactionId"])


async def _return(caller: Caller, session: int) -> tuple[float, int]:
    """Boot again and tell what was missed; gives when it booted and how many CALLERRORs came."""
    booted = await _call(caller, "BootNotification", BOOT)
    booted_at = asyncio.get_running_loop().time()
    told = [
        ("StatusNotification", _status(0)),
        ("StatusNotification", _status(1)),
        (
            "StopTransaction",
            {"transactionId": session, "meterStop": session, "timestamp": AT, "reason": "Other"},
        ),
    ]
    answers = [booted] + [await _call(caller, action, payload) for action, payload in told]
    return booted_at, sum(answer[0] == CALLERROR for answer in answers)


def _status(connector: int) -> dict[str, Any]:
    return {
        "connectorId": connector,
        "status": "Available",
        "errorCode": "NoError",
        "info": "storm",
        "timestamp": AT,
    }


async def _call(caller: Caller, action: str, payload: dict[str, Any]) -> list[Any]:
    answer: list[Any] = json.loads(
        await caller.call(json.dumps([2, f"storm-{next(NUMBERS)}", action, payload]))
    )
    return answer


def _expect(answer: list[Any]) -> dict[str, Any]:
    if answer[0] != CALLRESULT:
        raise RuntimeError(f"the storm could not be prepared: {answer}")
    result: dict[str, Any] = answer[2]
    return result


def _missing(database: Path, names: Sequence[str]) -> int:
    """Count what was answered and is not in the database."""
    with closing(sqlite3.connect(database)) as db:
        identity = dict(db.execute("SELECT station_id, identity FROM stations"))
        statuses = db.execute("SELECT station_id FROM connectors WHERE info = 'storm'")
        found = Counter(identity[station] for (station,) in statuses)
        ends = db.execute(
            "SELECT station_id FROM sessions WHERE state = 'closed' AND"
            " meter_stop_wh = transaction_id"
        )
        found.update(identity[station] for (station,) in ends)
        booted = db.execute("SELECT identity FROM stations WHERE booted_at_ms IS NOT NULL")
        found.update(name for (name,) in booted)
    return sum(max(0, 4 - found[name]) for name in names)


def _rss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

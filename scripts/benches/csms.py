"""What a durable MeterValues costs csms_lite, against servers that store nothing.

A hundred stations send the MeterValues of `wire` (four values), each after the answer to the one
before. Three servers take turns on the same machine:

* *csms*: csms_lite as a user starts it: every message in the database, synced, before its answer;
* *ocpp*: the least central system with the `ocpp` library, which throws the values away;
* *echo*: bare `websockets`, which sends back what came.

The bars: at least four times as many messages per second as *ocpp*, and at most six times the CPU
per message of *echo*.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.benches.parts.callers import Caller, connected, flood
from scripts.benches.parts.figures import tell
from scripts.benches.parts.processes import TAPWATT, ready_process, short_directory
from scripts.benches.wire import AT, PAYLOADS

STATIONS: Final = 100
ROUNDS: Final = 3
EACH: Final = {"csms": 200, "ocpp": 40, "echo": 200}
"""Messages of each station per round; fewer where it is slower."""
WARM: Final = 5
FASTER: Final = 4.0
DEARER: Final = 6.0
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one round cost."""

    per_s: float
    cpu_us: float


def main(argv: Sequence[str]) -> int:
    """Print one line; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench csms")
    parser.add_argument("--stations", type=int, default=STATIONS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(argv)
    costs: dict[str, list[Cost]] = {name: [] for name in EACH}
    for _ in range(options.rounds):
        for name, each in EACH.items():
            costs[name].append(asyncio.run(_round(name, options.stations, each)))
    rate = {name: statistics.median(one.per_s for one in found) for name, found in costs.items()}
    cpu = {name: statistics.median(one.cpu_us for one in found) for name, found in costs.items()}
    faster, dearer = rate["csms"] / rate["ocpp"], cpu["csms"] / cpu["echo"]
    figures = (
        f"stations={options.stations} meter_values_per_s={rate['csms']:.0f}"
        f" cpu_us={cpu['csms']:.0f} | ocpp per_s={rate['ocpp']:.0f} cpu_us={cpu['ocpp']:.0f}"
        f" | echo per_s={rate['echo']:.0f} cpu_us={cpu['echo']:.0f}"
        f" | {faster:.1f} x ocpp, {dearer:.1f} x the cpu of echo"
    )
    bar = f"at least {FASTER:g} x ocpp, at most {DEARER:g} x the cpu of echo"
    return tell("csms", figures, bar, met=faster >= FASTER and dearer <= DEARER)


async def _round(name: str, stations: int, each: int) -> Cost:
    with short_directory() as directory:
        async with _server(name, directory) as (pid, base):
            callers = await connected([f"{base}/BENCH-{place}" for place in range(stations)])
            numbers = [await _begin(name, caller) for caller in callers]

            def text(place: int, number: int) -> str:
                return _meter_values(f"{place}-{number}", numbers[place], number)

            sign = b"[2" if name == "echo" else b"[3"
            await flood(callers, lambda at, n: text(at, -1 - n), WARM, sign=sign)
            before = _cpu_s(pid)
            load = await flood(callers, text, each, sign=sign)
            used_s = _cpu_s(pid) - before
            for caller in callers:
                caller.close()
            return Cost(
                per_s=load.messages / load.took_s, cpu_us=used_s / load.messages * 1_000_000
            )


@asynccontextmanager
async def _server(name: str, directory: Path) -> AsyncIterator[tuple[int, str]]:
    if name == "csms":
        words = ("csms", "run", "--ocpp-port", "0", "--http-port", "0", "--no-local-lists")
        command = (TAPWATT, *words, "--state-dir", str(directory))
        environment = os.environ | {"TAPWATT_CSMS_ACCEPT_UNKNOWN": "true"}
        async with ready_process(command, env=environment) as (process, told):
            yield process.pid, told["ocpp"]
    else:
        stock = (sys.executable, "-m", "scripts.benches.parts.stock_servers", name)
        async with ready_process(stock) as (process, told):
            yield process.pid, told["ocpp"]


async def _begin(name: str, caller: Caller) -> int:
    """Boot and begin a session, where somebody keeps sessions; gives its number."""
    if name != "csms":
        return 1
    await caller.call(
        '[2,"boot","BootNotification",{"chargePointVendor":"B","chargePointModel":"B"}]'
    )
    answer = await caller.call(
        '[2,"start","StartTransaction",{"connectorId":1,"idTag":"BENCH","meterStart":0,'
        '"timestamp":"2026-01-01T00:00:00Z"}]'
    )
    return int(answer.split(b'"transactionId":')[1].split(b",")[0].strip(b"}]"))


def _template() -> str:
    """The MeterValues of `wire`, with places for its id, session, time and register."""
    payload = json.dumps(PAYLOADS["MeterValues"], separators=(",", ":")).replace("%", "%%")
    for told, place in (("4711", "%(session)d"), (AT, "%(at)s"), ("123456", "%(energy)d")):
        assert payload.count(told) == 1
        payload = payload.replace(told, place)
    return f'[2,"%(id)s","MeterValues",{payload}]'


TEMPLATE: Final = _template()


def _meter_values(message_id: str, session: int, number: int) -> str:
    minute, second = divmod(max(number, 0), 60)
    at = f"2026-03-01T10:{minute:02}:{second:02}Z"
    return TEMPLATE % {"id": message_id, "session": session, "at": at, "energy": max(number, 0)}


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, all threads, by the kernel's count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS

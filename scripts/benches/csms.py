"""What a durable MeterValues costs csms_lite, against servers that store nothing.

A hundred stations send MeterValues, each after the answer to the one before. Three servers take
turns on the same machine:

* *csms*: csms_lite as a user starts it: every message in the database, synced, before its answer;
* *ocpp*: the least central system with the `ocpp` library, which throws the values away;
* *echo*: bare `websockets`, which sends back what came.

The bars: at least four times as many messages per second as *ocpp*, and at most six times the CPU
per message of *echo*, with all that our own charging point tells of three phases: twelve values.
The four values of `wire` are measured besides: what a frame costs weighs more there.
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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from edge.core.instant import Instant
from edge.core.key_kinds import MEASURANDS
from edge.core.measurands import sampled
from edge.core.messages import MeterValues
from edge.core.quantities import Reading
from edge.core.vocabulary import ReadingContext
from edge.drivers.ocpp_codec import encode
from scripts.benches.parts.callers import Caller, connected, flood
from scripts.benches.parts.figures import tell
from scripts.benches.parts.processes import TAPWATT, ready_process, short_directory
from scripts.benches.wire import ENERGY_WH, PAYLOADS, SESSION

STATIONS: Final = 100
ROUNDS: Final = 5
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
    """Print a line per payload; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench csms")
    parser.add_argument("--stations", type=int, default=STATIONS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(argv)
    few, _, _ = _measured(PAYLOADS["MeterValues"], options.stations, options.rounds)
    print(f"csms: {few}", flush=True)
    figures, faster, dearer = _measured(three_phases(), options.stations, options.rounds)
    bar = f"at least {FASTER:g} x ocpp, at most {DEARER:g} x the cpu of echo"
    return tell("csms", figures, bar, met=faster >= FASTER and dearer <= DEARER)


def three_phases() -> dict[str, Any]:
    """Give MeterValues with all that our own charging point can tell, by its own code."""
    at = Instant(wall=datetime(2026, 3, 1, 10, tzinfo=UTC), monotonic=0.0)
    reading = Reading(
        at=at,
        energy_wh=ENERGY_WH,
        power_w=11_040.5,
        voltage_v=(230.4, 229.8, 231.2),
        current_a=(16.02, 15.98, 16.01),
        frequency_hz=49.98,
        soc_percent=41.0,
        offered_a=16.0,
        offered_w=11_040.0,
    )
    value = sampled(reading, ReadingContext.SAMPLE_PERIODIC, MEASURANDS)
    assert value is not None
    told = MeterValues(connector_id=1, transaction_id=SESSION, meter_value=(value,))
    return encode(told)


def _measured(payload: dict[str, Any], stations: int, rounds: int) -> tuple[str, float, float]:
    """Give the figures, how many times the rate of *ocpp*, and of *echo* the CPU."""
    template = _template(payload)
    costs: dict[str, list[Cost]] = {name: [] for name in EACH}
    for _ in range(rounds):
        for name, each in EACH.items():
            costs[name].append(asyncio.run(_round(name, template, stations, each)))
    rate = {name: statistics.median(one.per_s for one in found) for name, found in costs.items()}
    cpu = {name: statistics.median(one.cpu_us for one in found) for name, found in costs.items()}
    faster, dearer = rate["csms"] / rate["ocpp"], cpu["csms"] / cpu["echo"]
    values = len(payload["meterValue"][0]["sampledValue"])
    figures = (
        f"values={values} stations={stations} meter_values_per_s={rate['csms']:.0f}"
        f" cpu_us={cpu['csms']:.0f} | ocpp per_s={rate['ocpp']:.0f} cpu_us={cpu['ocpp']:.0f}"
        f" | echo per_s={rate['echo']:.0f} cpu_us={cpu['echo']:.0f}"
        f" | {faster:.1f} x ocpp, {dearer:.1f} x the cpu of echo"
    )
    return figures, faster, dearer


async def _round(name: str, template: str, stations: int, each: int) -> Cost:
    with short_directory() as directory:
        async with _server(name, directory) as (pid, base):
            callers = await connected([f"{base}/BENCH-{place}" for place in range(stations)])
            numbers = [await _begin(name, caller) for caller in callers]

            def text(place: int, number: int) -> str:
                return _filled(template, f"{place}-{number}", numbers[place], number)

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


def _template(payload: dict[str, Any]) -> str:
    """Give the frame of a *payload* with places for its id, session, time and register."""
    text = json.dumps(payload, separators=(",", ":")).replace("%", "%%")
    at: str = payload["meterValue"][0]["timestamp"]
    for told, place in (
        (str(SESSION), "%(session)d"),
        (at, "%(at)s"),
        (str(ENERGY_WH), "%(energy)d"),
    ):
        assert text.count(told) == 1
        text = text.replace(told, place)
    return f'[2,"%(id)s","MeterValues",{text}]'


def _filled(template: str, message_id: str, session: int, number: int) -> str:
    minute, second = divmod(max(number, 0), 60)
    at = f"2026-03-01T10:{minute:02}:{second:02}Z"
    return template % {"id": message_id, "session": session, "at": at, "energy": max(number, 0)}


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, all threads, by the kernel's count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS

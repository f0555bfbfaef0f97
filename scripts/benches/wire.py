"""`wire`: CPU time to receive, judge, route and answer one CALL, stock `ocpp` against ours.

Both run with their validation on, over the same connection in memory with one call in flight as
OCPP wants: a frame comes in as text, its payload is validated, a trivial handler answers, the
answer is validated and sent as text. Stock is `ocpp` as its documentation uses it. The ways take
turns; figures are medians over the rounds of this process's CPU time, threads included.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from ocpp.routing import on
from ocpp.v16 import ChargePoint as StockChargePoint
from ocpp.v16 import call_result
from ocpp.v16.enums import Action, AuthorizationStatus

from edge.ocppj.charge_point import ChargePoint, IncomingCall
from scripts.benches.parts.figures import tell

SESSION: Final = 4711
ENERGY_WH: Final = 123_456
AT: Final = "2026-03-01T10:00:00.000Z"
ROUNDS: Final = 7
MESSAGES: Final = {"stock": 1000, "ours": 10_000}
"""Messages per turn; fewer where it is slower, so that each takes about as long."""
BAR_ON: Final = "MeterValues"
BAR: Final = 15.0

PAYLOADS: Final[dict[str, dict[str, Any]]] = {
    "Heartbeat": {},
    "StartTransaction": {
        "connectorId": 1,
        "idTag": "04A2B1C3D4E580",
        "meterStart": ENERGY_WH,
        "timestamp": AT,
    },
    "MeterValues": {
        "connectorId": 1,
        "transactionId": SESSION,
        "meterValue": [
            {
                "timestamp": AT,
                "sampledValue": [
                    {
                        "value": value,
                        "context": "Sample.Periodic",
                        "measurand": measurand,
                        "unit": unit,
                    }
                    for value, measurand, unit in (
                        (str(ENERGY_WH), "Energy.Active.Import.Register", "Wh"),
                        ("7400", "Power.Active.Import", "W"),
                        ("32.1", "Current.Import", "A"),
                        ("230.4", "Voltage", "V"),
                    )
                ],
            }
        ],
    },
}
ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "Heartbeat": {"currentTime": AT},
    "StartTransaction": {"transactionId": 4711, "idTagInfo": {"status": "Accepted"}},
    "MeterValues": {},
}


class Closed(Exception):
    """All frames are answered."""


class Station:
    """The other end: sends *frames* one by one, each when the one before is answered."""

    def __init__(self, frames: Sequence[str]) -> None:
        self._frames = iter(frames)
        self._answered = asyncio.Event()
        self._answered.set()
        self.answers: list[str] = []

    async def recv(self) -> str:
        """The next frame."""
        await self._answered.wait()
        self._answered.clear()
        for frame in self._frames:
            return frame
        raise Closed

    async def send(self, message: str, /) -> None:
        """Take an answer."""
        self.answers.append(message)
        self._answered.set()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Nobody closes: every frame is lawful."""
        raise AssertionError(f"closed with {code} {reason}")


class StockCentral(StockChargePoint):  # type: ignore[misc]  # the library ships no types
    """The central system of the library's documentation."""

    @on(Action.heartbeat)  # type: ignore[untyped-decorator]  # the library ships no types
    def on_heartbeat(self) -> Any:
        """Answer with the time."""
        return call_result.Heartbeat(current_time=AT)

    @on(Action.start_transaction)  # type: ignore[untyped-decorator]  # the library ships no types
    def on_start(self, **_told: Any) -> Any:
        """Answer with a number."""
        accepted = {"status": AuthorizationStatus.accepted}
        return call_result.StartTransaction(transaction_id=4711, id_tag_info=accepted)

    @on(Action.meter_values)  # type: ignore[untyped-decorator]  # the library ships no types
    def on_meter_values(self, **_told: Any) -> Any:
        """Answer that it was heard."""
        return call_result.MeterValues()


async def _answer(call: IncomingCall) -> dict[str, Any]:
    return ANSWERS[call.action]


async def _stock(station: Station) -> None:
    await StockCentral("CP-1", station).start()


async def _ours(station: Station) -> None:
    await ChargePoint("CP-1", station, _answer, closed_errors=Closed).start()


WAYS: Final[dict[str, Callable[[Station], Awaitable[None]]]] = {"stock": _stock, "ours": _ours}


def main(argv: Sequence[str]) -> int:
    """Print one line per action; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench wire")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args(argv).rounds
    for action in PAYLOADS:  # schemas are read and compiled at first use
        for way in WAYS:
            asyncio.run(_turn(way, action, 10))
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for action in PAYLOADS:
            for way, messages in MESSAGES.items():
                figure = asyncio.run(_turn(way, action, messages))
                found.setdefault((action, way), []).append(figure)
    missed = 0
    for action in PAYLOADS:
        stock, ours = (statistics.median(found[action, way]) for way in WAYS)
        ratio = stock / ours
        figures = f"{action} {stock:.1f} us by stock ocpp, {ours:.1f} us by ours, {ratio:.1f} x"
        bar = f">= {BAR:g} x" if action == BAR_ON else "none"
        missed |= tell("wire", figures, bar, met=action != BAR_ON or ratio >= BAR)
    return missed


async def _turn(way: str, action: str, messages: int) -> float:
    """Microseconds of CPU per message; raises if one was not answered as it should be."""
    payload = PAYLOADS[action]
    station = Station([json.dumps([2, str(n), action, payload]) for n in range(messages)])
    gc.collect()
    began = time.process_time()
    try:
        await WAYS[way](station)
    except Closed:
        spent = time.process_time() - began
    answers = [json.loads(answer) for answer in station.answers]
    assert answers == [[3, str(n), ANSWERS[action]] for n in range(messages)]
    return 1e6 * spent / messages

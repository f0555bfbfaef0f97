"""The network between station and central system: whole messages, latency, and everything bad.

Up is from the station to the central system, down the way back. A fault waits for the next call
that it fits and strikes once:

* `cut_before`, `cut_after`: the line breaks as the call arrives, or as its answer leaves
* `mute`: the answer is lost, the line lives; `stall`: the way down stands still for 40 s
* `twice`: the call arrives twice; `answer_twice`: the answer does
* `refuse`: the central system never sees the call, its answer is CALLERROR

Nobody breaks the same call three times, or lets it go unanswered twice: that is how a poisonous
message looks, and it is parked. Nobody refuses what was taken before: no receiver can know a
message again whose sender was told that it was refused.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any, Final

from websockets.exceptions import ConnectionClosedError

from csms_lite.ocpp.endpoint import Endpoint
from csms_lite.stations.door import NOTHING, Entry
from edge.core.access import Access
from edge.errors import LineDropped, LinkRefused
from tests.world.life import Life
from tests.world.loop import elapse

TRANSACTION: Final = ("StartTransaction", "StopTransaction", "MeterValues")
FAULTS: Final = (
    "cut_before",
    "cut_after",
    "mute",
    "stall",
    "twice",
    "answer_twice",
    "refuse",
)
SPENDS: Final = ("mute", "stall", "refuse")
STALL_S: Final = 40.0  # longer than the station waits for an answer
OPEN_S: Final = 10.0  # so long a station waits for a line to open
BREAKS_MOST: Final = 2
COME_BACK: Final = (1001, 1012, 1013)
ABNORMAL: Final = 1006

Admit = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """A call as it arrived at the central system."""

    at: float
    message_id: str
    action: str
    payload: dict[str, Any]


@dataclass(kw_only=True)
class Network:
    """Everything between the two; *note* hears of each message that arrives."""

    chance: Random
    latency_s: float
    note: Callable[[str], None]
    armed: list[tuple[str, str]] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    struck: Counter[str] = field(default_factory=Counter)
    is_up: bool = True
    swallows: bool = False
    _central: tuple[Life, Admit] | None = None
    _lines: list[Line] = field(default_factory=list)
    _broken: Counter[str] = field(default_factory=Counter)
    _spent: set[str] = field(default_factory=set)
    _known: set[str] = field(default_factory=set)

    # ── what the nodes use ───────────────────────────────────────────────────────────────────────

    async def listen(self, life: Life, endpoint: Endpoint) -> None:
        """The central system of *life* takes stations in."""
        self._central = life, lambda end: endpoint.receive("WORLD", Entry(NOTHING), end)
        life.at_death(self._central_gone)

    def dial_of(self, life: Life) -> Callable[[Access], Any]:
        """How the station of *life* dials."""

        async def dial(_access: Access) -> StationEnd:
            await elapse(self.delay_s())
            if self.swallows:
                await elapse(OPEN_S)
            if not self.is_up or self.swallows or self._central is None:
                raise LinkRefused("the central system cannot be reached")
            central, admit = self._central
            line = Line(self, life, central)
            self._lines.append(line)
            life.at_death(line.station.cut)
            central.spawn(admit(line.central))
            return line.station

        return dial

    def delay_s(self) -> float:
        """One way."""
        return self.latency_s * (0.2 + self.chance.random())

    def _central_gone(self) -> None:
        self._central = None
        for line in tuple(self._lines):
            line.break_off()

    # ── what the world does ──────────────────────────────────────────────────────────────────────

    def may_break(self) -> bool:
        """Whether no call in flight has been broken as often as it may be."""
        return all(self._broken[line.in_flight] < BREAKS_MOST for line in self._lines)

    def cut(self) -> None:
        """Break every line."""
        if self.may_break():
            for line in tuple(self._lines):
                line.break_off()

    def go_down(self) -> None:
        """Nothing passes and nobody gets through, until `mend`."""
        if self.may_break():
            self.is_up = False
            self.cut()

    def swallow(self) -> None:
        """Lines stay open and nothing passes, until `mend`."""
        self.swallows = True

    def mend(self) -> None:
        """All is well; what was swallowed never comes."""
        self.is_up = True
        if self.swallows:
            self.swallows = False
            for line in tuple(self._lines):
                line.break_off()

    def arm(self, fault: str, action: str) -> None:
        """Let *fault* strike the next call of *action*; `""`: the next transaction message."""
        self.armed.append((fault, action))

    def strike(self, action: str, message_id: str, payload: str) -> str | None:
        """Take the fault that fits, if any may."""
        if self._broken[message_id] >= BREAKS_MOST:
            return None
        for armed in self.armed:
            fault, wanted = armed
            fits = wanted == action or (not wanted and action in TRANSACTION)
            if not fits or (fault in SPENDS and payload in self._spent):
                continue
            if fault == "refuse" and payload in self._known:
                continue
            self.armed.remove(armed)
            self.struck[fault] += 1
            if fault in SPENDS:
                self._spent.add(payload)
            return fault
        return None

    def hear(self, call: Heard) -> None:
        """A call arrives."""
        self.heard.append(call)
        self._known.add(_bare(call.payload))

    def broke(self, line: Line) -> None:
        """A line is no more."""
        if line in self._lines:
            self._lines.remove(line)
            self._broken[line.in_flight] += bool(line.in_flight)


class Line:
    """One connection: two ends, and what travels between them."""

    def __init__(self, network: Network, life: Life, central: Life) -> None:
        self.network = network
        self.in_flight = ""
        self.station = StationEnd(self)
        self.central = CentralEnd(self)
        self._lives = {id(self.station): life, id(self.central): central}
        self._loop = asyncio.get_running_loop()
        self._at = {id(self.station): 0.0, id(self.central): 0.0}
        self._fates: dict[str, str] = {}

    def up(self, message: str) -> None:
        """The station sends."""
        if message.startswith("[2,"):
            self.in_flight = message.split('"', 2)[1]
        self._send(self.central, self._arrive, message)

    def down(self, message: str) -> None:
        """The central system sends."""
        fate = self._fates.pop(message.split('"', 2)[1], None) if message[1] in "34" else None
        if fate == "cut_after":
            self.break_off()
        elif fate == "stall":
            self._at[id(self.station)] = self._loop.time() + STALL_S
        if fate in ("cut_after", "mute"):
            return
        self._send(self.station, self._return, message)
        if fate == "answer_twice":
            self._send(self.station, self._return, message)

    def _send(self, to: StationEnd | CentralEnd, arrive: Callable[[str], None], text: str) -> None:
        at = max(self._at[id(to)], self._loop.time() + self.network.delay_s())
        self._at[id(to)] = at
        self._loop.call_at(at, arrive, text)

    def _arrive(self, message: str) -> None:
        network = self.network
        if network.swallows or self.central.is_over:
            return
        fate = None
        if message.startswith("[2,"):
            _, message_id, action, payload = json.loads(message)
            content = _bare(payload)
            fate = network.strike(action, message_id, content)
            if fate == "cut_before":
                self.break_off()
                return
            if fate == "refuse":
                network.refused.add(content)
                network.note(f"refused {message}")
                refusal = json.dumps([4, message_id, "InternalError", "not today", {}])
                self._send(self.station, self._return, refusal)
                return
            network.hear(Heard(self._loop.time(), message_id, action, payload))
            if fate in ("cut_after", "mute", "stall", "answer_twice"):
                self._fates[message_id] = fate
        network.note(f"up {message}")
        self.central.take(message)
        if fate == "twice":
            self.central.take(message)

    def _return(self, message: str) -> None:
        if self.network.swallows or self.station.is_over:
            return
        self.network.note(f"down {message}")
        if message[1] in "34" and message.split('"', 2)[1] == self.in_flight:
            self.in_flight = ""
        self.station.take(message)

    def break_off(self) -> None:
        """The line breaks without a word to either."""
        self.network.broke(self)
        self.station.end(ABNORMAL, "")
        self.central.end(ABNORMAL, "")

    def close(self, by: StationEnd | CentralEnd, code: int, reason: str) -> None:
        """One end closes; the other learns it a little later."""
        self.network.broke(self) if code not in COME_BACK else self._excused()
        other = self.central if by is self.station else self.station
        by.end(code, reason)
        at = max(self._at[id(other)], self._loop.time() + self.network.delay_s())
        self._loop.call_at(at, other.end, code, reason)

    def _excused(self) -> None:
        self.in_flight = ""
        self.network.broke(self)


def _bare(payload: dict[str, Any]) -> str:
    """What a message says, whatever transaction id it goes out with."""
    return json.dumps({key: value for key, value in payload.items() if key != "transactionId"})


class _End:
    """One end of a line: what has arrived and not been taken."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._inbox: deque[str] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._how: tuple[int, str] | None = None

    @property
    def is_over(self) -> bool:
        """The line is gone, as far as this end knows."""
        return self._how is not None

    def take(self, message: str) -> None:
        """A message has arrived."""
        self._inbox.append(message)
        self._wake()

    def end(self, code: int, reason: str) -> None:
        """The line is over; what has arrived can still be read."""
        if self._how is None:
            self._how = code, reason
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def recv(self) -> str:
        """The next message."""
        while not self._inbox:
            if self._how is not None:
                raise self._closed()
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._inbox.popleft()

    def _closed(self) -> Exception:
        raise NotImplementedError


class StationEnd(_End):
    """Implements `edge.drivers.ocpp_line.Line`."""

    root = None
    ends_at = None

    async def send(self, message: str, /) -> None:
        if self._how is not None:
            raise self._closed()
        self._line.up(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self._how is None:
            self._by_us = True
            self._line.close(self, code, reason)

    async def ping(self, within_s: float) -> None:
        if self._line.network.swallows:
            await elapse(within_s)
            self.cut()

    def cut(self) -> None:
        if self._how is None:
            self._by_us = True
            self._line.in_flight = ""
            self._line.break_off()

    def freeze(self, frozen: bool) -> None:
        raise NotImplementedError("here it is the network that swallows")

    def break_after(self, count: int) -> None:
        raise NotImplementedError("here it is the network that loses")

    _by_us = False

    def _closed(self) -> Exception:
        assert self._how is not None
        code, reason = self._how
        kind = ConnectionError if self._by_us or code in COME_BACK else LineDropped
        return kind(f"the line ended with {code} {reason}")


class CentralEnd(_End):
    """What `Endpoint.admit` wants of a `ServerConnection`."""

    subprotocol = "ocpp1.6"

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self.request = SimpleNamespace(path="/ocpp/WORLD")

    async def send(self, message: str, /) -> None:
        if self._how is not None:
            raise self._closed()
        self._line.down(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self._how is None:
            self._line.close(self, code, reason)

    def _closed(self) -> Exception:
        return ConnectionClosedError(None, None)

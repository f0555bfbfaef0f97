"""Sees every text in and out of the stations' sockets, and writes it down behind their backs.

The way of a message through the socket only leaves its text in a bounded queue. When the log's
disk cannot keep up, frames are lost, counted and told of: nobody at a station waits for a log.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

import structlog

from csms_lite.clock import Clock
from csms_lite.errors import CsmsError, VerbFailed
from csms_lite.messages.rules import LATE_AFTER_S, RECEIVED, SENT, Calls, Caught
from csms_lite.messages.service import keep
from csms_lite.store.writer import Store
from edge.ocppj.schemas import ACTIONS

QUEUE_MAX: Final = 20_000  # frames: some seconds of a storm of 1000 stations
QUEUE_CHARACTERS_MAX: Final = 32 * 1024 * 1024  # what a hostile station may cost in memory
BATCH: Final = 100  # frames made into rows at once: about a millisecond of the loop's
BATCH_CHARACTERS: Final = 64 * 1024  # of frames made so to look like secrets: 30 ms
COMMIT: Final = 2000  # rows per transaction: each writes every page of an index that it touches
COMMIT_CHARACTERS: Final = 4 * 1024 * 1024  # of frames; honest ones come to COMMIT first
GATHER_S: Final = 0.2  # how late a quiet system's frame is in the log
RETRY_S: Final = 1.0  # a full disk is not freed faster
SAY_EVERY_S: Final = 10.0  # a flood of losses is one event, not a flood of events

Row = dict[str, Any]

log = structlog.get_logger(__name__)


class Socket(Protocol):
    """What a WebSocket offers."""

    async def recv(self) -> str | bytes:
        """Give the next message."""
        ...

    async def send(self, message: str, /) -> None:
        """Send a text message."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with the closing handshake."""
        ...


class Noted(NamedTuple):
    """An entry of the queue; without a text its socket closed."""

    calls: Calls
    caught: Caught | None
    is_unsent: bool = False

    @property
    def size(self) -> int:
        """How many characters it holds."""
        return 0 if self.caught is None else len(self.caught.text)


class Recorder:
    """The queue before the log; *say_lost* tells people how many frames were lost."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        slow_ms: int,
        say_lost: Callable[[int], Awaitable[None]],
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self.lost = 0
        self.counts: Counter[tuple[str, str, str]] = Counter()
        """Frames by direction, type and action, for the metrics."""
        self.is_paused = False
        """Set while the disk has too little room for anything but money."""
        self._store = store
        self._clock = clock
        self._slow_ms = slow_ms
        self._say_lost = say_lost
        self._queue_max = queue_max
        self._queue: deque[Noted] = deque()
        self._characters = 0
        self._bell = asyncio.Event()
        self._hurry = asyncio.Event()
        self._over = asyncio.Event()
        self._said = 0
        self._said_at_s = -SAY_EVERY_S

    @property
    def waiting(self) -> int:
        """How many frames are not in the log yet."""
        return len(self._queue)

    def tap(self, charger: str, socket: Socket) -> Tap:
        """Put an ear on a station's socket."""
        return Tap(socket, Calls(charger, self._slow_ms), self, self._clock)

    def note(self, noted: Noted) -> None:
        """Queue what a tap heard, or count it as lost."""
        size = noted.size
        is_full = len(self._queue) >= self._queue_max  # of sockets that closed as well
        if is_full or (
            noted.caught is not None
            and (self.is_paused or self._characters + size > QUEUE_CHARACTERS_MAX)
        ):
            self.lost += 1
            self._bell.set()
            return
        self._characters += size
        self._queue.append(noted)
        self._bell.set()
        if len(self._queue) >= COMMIT:
            self._hurry.set()

    def close(self) -> None:
        """Write what waits, then end `write_on`."""
        self._over.set()
        self._bell.set()
        self._hurry.set()

    async def write_on(self) -> None:
        """Write down what is noted until `close`."""
        while self._queue or not self._over.is_set():
            await self._bell.wait()
            if not self._over.is_set():
                self._bell.clear()
                await _wait(self._hurry, GATHER_S)
                self._hurry.clear()
            while self._queue:
                await self._write(*await self._rows())
            await self._tell_losses()

    def _take(self) -> Noted:
        noted = self._queue.popleft()
        self._characters -= noted.size
        return noted

    async def _write(self, rows: list[Row], delays: list[Row]) -> None:
        while True:
            try:
                await self._store.do(keep, rows, delays)
            except VerbFailed:  # our bug: the same rows would fail again
                log.exception("frames_not_logged", count=len(rows))
                self.lost += len(rows)
            except CsmsError as failure:
                log.warning("log_cannot_write", waiting=len(self._queue), error=str(failure))
                if not self._over.is_set():
                    await _wait(self._over, RETRY_S)
                    continue
                self.lost += len(rows)
            return

    async def _rows(self) -> tuple[list[Row], list[Row]]:
        """Make rows of frames and delays for one transaction, and let others run in between."""
        rows: list[Row] = []
        delays: list[Row] = []
        room = COMMIT_CHARACTERS
        while self._queue and len(rows) < COMMIT and room > 0:
            used = 0
            for _ in range(min(BATCH, len(self._queue))):
                noted = self._take()
                self._add(noted, rows, delays)
                used += noted.size
                if used >= min(room, BATCH_CHARACTERS):
                    break
            room -= used
            await asyncio.sleep(0)
        return rows, delays

    def _add(self, noted: Noted, rows: list[Row], delays: list[Row]) -> None:
        calls, caught, is_unsent = noted
        if caught is None:
            calls.lapse(float("inf"), delays)
        elif is_unsent:
            calls.unsent(caught, delays)
        else:
            row = calls.row(caught, delays)
            calls.lapse(caught.at_s - LATE_AFTER_S, delays)
            self.counts[row["direction"], row["type"], _known(row["action"])] += 1
            rows.append(row)

    async def _tell_losses(self) -> None:
        new = self.lost - self._said
        now_s = self._clock.monotonic()
        if not new or (now_s - self._said_at_s < SAY_EVERY_S and not self._over.is_set()):
            return
        self._said, self._said_at_s = self.lost, now_s
        log.error("log_frames_lost", count=new)
        with suppress(CsmsError):  # the log line and the metric have said it
            await self._say_lost(new)


class Tap:
    """A socket whose texts are noted as they pass."""

    def __init__(self, socket: Socket, calls: Calls, recorder: Recorder, clock: Clock) -> None:
        self._socket = socket
        self._calls = calls
        self._recorder = recorder
        self._clock = clock

    async def recv(self) -> str | bytes:
        """Give the next message."""
        try:
            message = await self._socket.recv()
        except BaseException:
            self._recorder.note(Noted(self._calls, None))
            raise
        text = message if isinstance(message, str) else message.decode(errors="replace")
        self._note(self._caught(RECEIVED, text))
        return message

    async def send(self, message: str, /) -> None:
        """Send a text message; noted before, since its answer may come before this returns."""
        caught = self._caught(SENT, message)
        self._note(caught)
        try:
            await self._socket.send(message)
        except BaseException:
            self._recorder.note(Noted(self._calls, caught, is_unsent=True))
            raise

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with the closing handshake."""
        await self._socket.close(code, reason)

    def _caught(self, direction: str, text: str) -> Caught:
        return Caught(self._clock.now_ms(), self._clock.monotonic(), direction, text)

    def _note(self, caught: Caught) -> None:
        self._recorder.note(Noted(self._calls, caught))


def _known(action: str | None) -> str:
    """Name an action for the metrics: what stations make up must not fill the memory."""
    return action if action in ACTIONS else "other"


async def _wait(bell: asyncio.Event, within_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await bell.wait()

"""The one loop: an event in, a step, what makes safe at once, the rest as a page to the recorder.

It never awaits I/O: with a card that stalls for seconds an event still reaches CUT within a
millisecond. All events enter one inbox; what may be lost under load is decided here and nowhere
else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

import structlog

from edge.core.effects import BEATS, Beat, Cut, Effect, Energise, Raise, Reduce
from edge.core.events import Event, MeterRead, TagPresented, TagUnusable, Ticked
from edge.ports import Clock
from edge.runtime.pages import Page, Probe, page_of

INBOX: Final = 256
"""Events that may wait before the loop begins to choose; a healthy one has none or one."""

TAPS: Final = 3
"""Cards that may wait in a full inbox: more is somebody playing with the reader."""

Tap = TagPresented | TagUnusable

BURST: Final = 32
"""Events in a row before other tasks run."""

TICK_AGAIN_S: Final = 0.01
"""Least time between two ticks for the same deadline: a timer may fire a little early."""

S = TypeVar("S")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules(Generic[S]):
    """The core, as the loop needs it."""

    step: Callable[[S, Event], tuple[S, tuple[Effect, ...]]]
    next_deadline: Callable[[S], float | None]
    permits_energy: Callable[[S, int], bool]
    permitted_a: Callable[[S, int], float]


class Witness(Protocol):
    """Is told of every step when all that makes safe has been done."""

    def stepped(self, before: Any, event: Event, effects: Sequence[Effect], /) -> None:
        """*event* made *effects* of the state *before*."""
        ...

    def raised(self, before: Any, event: Event, error: BaseException, /) -> None:
        """*event* ended the loop."""
        ...


class Loop(Generic[S]):
    """Owns the state: the only one that steps it."""

    def __init__(
        self,
        state: S,
        *,
        rules: Rules[S],
        clock: Clock,
        perform: Callable[[Effect], None],
        append: Callable[[Page], None],
        probe: Probe | None = None,
        witness: Witness | None = None,
    ) -> None:
        self.state = state
        self.turn = 0
        self._rules = rules
        self._clock = clock
        self._perform = perform
        self._append = append
        self._probe = probe or _unobserved
        self._witness = witness
        self._inbox: deque[Event | asyncio.Future[None]] = deque()
        self._wake = asyncio.Event()
        self._host = asyncio.get_running_loop()
        self._ticked: tuple[float, float] | None = None
        self._deadline_of: S | None = None
        self._next_deadline: float | None = None
        self._withdrawn_at: dict[tuple[type, int], int] = {}
        self._stands_down = False

    def post(self, event: Event) -> None:
        """Put *event* into the inbox; from the loop's own thread only."""
        if isinstance(event, MeterRead) and event.ticket is None:
            self._drop_older_sample(event.connector)
        elif len(self._inbox) >= INBOX and not self._has_room(event):
            log.warning("event_refused", kind=type(event).__name__, waiting=len(self._inbox))
            return
        self._inbox.append(event)
        self._wake.set()

    def post_threadsafe(self, event: Event) -> None:
        """Put *event* into the inbox from any thread; after the end it goes nowhere."""
        with suppress(RuntimeError):
            self._host.call_soon_threadsafe(self.post, event)

    def permits(self, turn: int, effect: Effect) -> bool:
        """Tell whether *effect* of step *turn*, delayed by the disk, is still wanted now.

        A cut or a withdrawal of a later step outruns it; and the newest state has the last word.
        Once we stand down no offer is left that could be reduced.
        """
        match effect:
            case Energise() | Raise() | Reduce() if self._stands_down:
                return False
            case Energise(connector=connector):
                outrun = self._withdrawn_at.get((Cut, connector), 0) > turn
                return not outrun and self._rules.permits_energy(self.state, connector)
            case Raise(connector=connector, limit_a=limit_a):
                outrun = self._withdrawn_at.get((Reduce, connector), 0) > turn
                return not outrun and limit_a <= self._rules.permitted_a(self.state, connector)
            case _:
                return True

    def stand_down(self) -> None:
        """Permit no more energy: the end has begun, and a commit may yet go through behind it."""
        self._stands_down = True

    async def come_round(self) -> None:
        """Return when all that was posted before is stepped: what the watchdog is fed by."""
        passed = self._host.create_future()
        self._inbox.append(passed)
        self._wake.set()
        await passed

    async def run(self) -> None:
        """Work until cancelled; an exception of the core ends it: bugs are crashes."""
        while True:
            self._tick_if_due()
            if not self._inbox:
                await self._next_event()
                continue
            for _ in range(min(BURST, len(self._inbox))):
                taken = self._inbox.popleft()
                if not isinstance(taken, asyncio.Future):
                    self._take(taken)
                elif not taken.done():
                    taken.set_result(None)
            await asyncio.sleep(0)

    def _take(self, event: Event) -> None:
        self.turn += 1
        before = self.state
        try:
            self.state, effects = self._rules.step(before, event)
        except BaseException as error:
            if self._witness is not None:
                self._witness.raised(before, event, error)
            raise
        waiting = []
        for effect in effects:
            if BEATS[type(effect)] > Beat.SHOW:
                waiting.append(effect)
                continue
            if isinstance(effect, Cut | Reduce):
                self._withdrawn_at[type(effect), effect.connector] = self.turn
            if self.permits(self.turn, effect):
                self._perform(effect)
        if effects:
            self._probe("after_show")
        if waiting:
            self._append(page_of(self.turn, waiting))
        if self._witness is not None:
            self._witness.stepped(before, event, effects)

    def _tick_if_due(self) -> None:
        deadline = self._deadline()
        now = self._clock.now()
        if deadline is None or self._due_at(deadline) > now.monotonic:
            return
        if not any(isinstance(event, Ticked) for event in self._inbox):
            self._ticked = (deadline, now.monotonic)
            self._inbox.append(Ticked(at=now))

    def _deadline(self) -> float | None:
        """The core's next deadline, asked once per state."""
        if self._deadline_of is not self.state:
            self._deadline_of = self.state
            self._next_deadline = self._rules.next_deadline(self.state)
        return self._next_deadline

    def _due_at(self, deadline: float) -> float:
        """Return when to tick: a deadline that a step left standing comes again, not in a spin."""
        if self._ticked is not None and self._ticked[0] == deadline:
            return self._ticked[1] + TICK_AGAIN_S
        return deadline

    async def _next_event(self) -> None:
        """Wait for a post or the deadline."""
        self._wake.clear()
        deadline = self._deadline()
        timer = None
        if deadline is not None:
            delay = self._due_at(deadline) - self._clock.now().monotonic
            timer = self._host.call_later(max(delay, 0.0), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()

    def _drop_older_sample(self, connector: int) -> None:
        """Of unasked readings the newest is enough."""
        for event in self._inbox:
            if not isinstance(event, MeterRead) or event.ticket is not None:
                continue
            if event.connector == connector:
                self._inbox.remove(event)
                return

    def _has_room(self, event: Event) -> bool:
        """Only taps are refused: all else is a fact or a promise, and bounded at its source."""
        if not isinstance(event, Tap):
            return True
        return sum(isinstance(waiting, Tap) for waiting in self._inbox) < TAPS


def _unobserved(_point: str) -> None:
    """No probe: nobody watches the crash points."""

"""Keeps drivers at work: expected failures are events, bugs are crashes, contactors first.

The only place with `except Exception`: between a bug anywhere and the end of the process lies the
opening of every contactor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, ParamSpec

import structlog

from edge.core.events import DriverFound, DriverLost, Event, MeterFailed, Port
from edge.errors import DriverError
from edge.ports import Clock, Post, Power

SILENT_BUT_WELL_S: Final = 3.0
"""A reader without a card says nothing; one that has polled for this long is at work."""

log = structlog.get_logger()

P = ParamSpec("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits between attempts, doubling from *first_s* to *most_s*."""

    first_s: float = 1.0
    most_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A driver with a life of its own; *connector* 0 where it is not one connector's."""

    port: Port
    connector: int
    run: Callable[[Post], Awaitable[None]]
    reader: int = 0

    @property
    def name(self) -> str:
        """Its port and number, as no other worker is called."""
        return f"{self.port}-{self.connector or self.reader}"


async def supervise(worker: Worker, post: Post, *, clock: Clock, backoff: Backoff) -> None:
    """Run *worker* until cancelled, again after each `DriverError`; other errors go through."""
    attempt = _Attempt(worker, post, clock)
    delay_s = backoff.first_s
    while True:
        try:
            await attempt.make()
        except DriverError as failure:
            if attempt.succeeded:
                delay_s = backoff.first_s
            attempt.lost(str(failure))
        else:
            raise RuntimeError(f"the driver {worker.name} ended")
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, backoff.most_s)


async def guarded(name: str, work: Awaitable[None], *, cut_all: Callable[[], None]) -> None:
    """Await *work*; whatever ends it but cancellation opens every contactor first."""
    try:
        await work
        raise RuntimeError(f"{name} ended")  # noqa: TRY301  an end is a failure like any other
    except Exception:
        cut_all()
        log.critical("task_failed", task=name, exc_info=True)
        raise


async def endured(name: str, run: Callable[[], Awaitable[None]], *, backoff: Backoff) -> None:
    """Run *run*, which decides nothing, until cancelled; whatever ends it is told, and it is run
    again.
    """
    delay_s = backoff.first_s
    while True:
        try:
            await run()
        except DriverError as failure:
            log.warning("bystander_failed", name=name, why=str(failure))
        except Exception:
            log.exception("bystander_failed", name=name)
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, backoff.most_s)


def cut_all(evses: Iterable[Power]) -> None:
    """Withdraw every offer and open every contactor, whatever one of them says."""
    for evse in evses:
        for act in (evse.cut, lambda evse=evse: evse.offer(0.0)):
            try:
                act()
            except Exception:
                log.critical("cut_failed", exc_info=True)


def spared(name: str, act: Callable[P, None]) -> Callable[P, None]:
    """*act*, which decides nothing, until it fails: that is told, and it is called no more.

    Who only watches must not open a contactor by a bug of his own.
    """
    works = True

    def spare(*args: P.args, **kwargs: P.kwargs) -> None:
        nonlocal works
        if not works:
            return
        try:
            act(*args, **kwargs)
        except Exception:
            works = False
            log.exception("witness_failed", witness=name)

    return spare


class _Attempt:
    """Watches what a driver posts, to say once that it works and once that it does not."""

    def __init__(self, worker: Worker, post: Post, clock: Clock) -> None:
        self._worker = worker
        self._post = post
        self._clock = clock
        self._why: str | None = None
        self._known = False
        self.succeeded = False

    async def make(self) -> None:
        """One run of the driver."""
        self.succeeded = False
        timer = None
        if self._worker.port is Port.READER:
            timer = asyncio.get_running_loop().call_later(SILENT_BUT_WELL_S, self._found)
        try:
            await self._worker.run(self._watched)
        finally:
            if timer is not None:
                timer.cancel()

    def lost(self, why: str) -> None:
        """Tell the loss, once per reason."""
        if why == self._why:
            return
        self._why, self._known = why, True
        worker = self._worker
        log.warning("driver_lost", driver=worker.name, why=why)
        self._post(
            DriverLost(
                at=self._clock.now(),
                port=worker.port,
                connector=worker.connector,
                reader=worker.reader,
                why=why,
            )
        )

    def _watched(self, event: Event) -> None:
        if not isinstance(event, MeterFailed):
            self._found()
        self._post(event)

    def _found(self) -> None:
        self.succeeded = True
        if self._known and self._why is None:
            return
        self._why, self._known = None, True
        worker = self._worker
        log.info("driver_found", driver=worker.name)
        self._post(
            DriverFound(
                at=self._clock.now(),
                port=worker.port,
                connector=worker.connector,
                reader=worker.reader,
            )
        )

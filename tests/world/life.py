"""A process in the simulated world: what belongs to it, and that it can end at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any

_LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


class Life:
    """One process from its start to its death; *name* is never used again.

    Whatever reaches out of the process asks `is_alive` first: the gate that closes before all else.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_alive = True
        self.died = asyncio.get_running_loop().create_future()
        self.failure: BaseException | None = None
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._endings: list[Callable[[], None]] = []

    def start(self, main: Coroutine[Any, Any, None]) -> None:
        """Run *main*; every task that comes of it belongs to this life, and it ends with it."""
        context = copy_context()
        context.run(_LIFE.set, self)
        loop = asyncio.get_running_loop()
        loop.create_task(main, context=context).add_done_callback(self._ended)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run *work* as a task of this life, asked for from outside."""
        context = copy_context()
        context.run(_LIFE.set, self)
        asyncio.get_running_loop().create_task(work, context=context)

    def at_death(self, act: Callable[[], None]) -> None:
        """Do *act* the moment it dies, before any of its tasks hears of it; the latest first."""
        self._endings.append(act)

    def die(self) -> None:
        """SIGKILL: nothing goes out any more, what was open is gone, the tasks are no more."""
        if not self.is_alive:
            return
        self.is_alive = False
        for act in reversed(self._endings):
            act()
        self._endings.clear()
        if not self.died.done():
            self.died.set_result(None)

    async def bury(self) -> None:
        """Return when the last task is gone; each is cancelled for as long as it still waits."""
        while self._tasks:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.sleep(0)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Take *task* for ours."""
        self._tasks[task] = None
        task.add_done_callback(self._let_go)

    def _let_go(self, task: asyncio.Task[Any]) -> None:
        del self._tasks[task]
        if not task.cancelled():
            task.exception()  # seen here: the dead tell no tales

    def _ended(self, main: asyncio.Task[None]) -> None:
        """It came to its own end, or it fell over a bug."""
        if self.is_alive and not main.cancelled():
            self.failure = main.exception()
            self.die()


def whose() -> Life | None:
    """The life that the caller belongs to."""
    return _LIFE.get()


def keep_lives(loop: asyncio.AbstractEventLoop) -> None:
    """Have every task of *loop* know whose it is."""

    def make(
        loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **options)
        context = options.get("context")
        life = _LIFE.get() if context is None else context.get(_LIFE)
        if life is not None:
            life.adopt(task)
        return task

    loop.set_task_factory(make)  # type: ignore[arg-type]  # typeshed wants the exact protocol

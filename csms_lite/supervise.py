"""The one place that outlives a bug: what goes on telling others must not end with one failure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)


async def endure(work: Callable[[], Awaitable[None]], failed: str, **facts: object) -> None:
    """Run *work*; whatever it raises is logged as *failed* with its traceback, and that is all.

    For work that money and stations do not depend on, and that is tried again anyway.
    """
    try:
        await work()
    except Exception:
        log.exception(failed, **facts)

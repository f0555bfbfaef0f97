"""What the daemon's own page shows: the board, numbered so that it rises over restarts, too."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from edge.core import board
from edge.core.instant import Instant
from edge.core.keys import text
from edge.core.state import ChargePoint
from edge.drivers.ocpp_costs import read_default_price
from edge.ports import Clock
from edge.runtime.showing import Document, Showing
from edge.wholefile import write_whole

if TYPE_CHECKING:
    from edge.drivers.page import Page

NAME: Final = "page-sequence"
A_RUN: Final = 1 << 31  # documents of one run: at one a second it lasts for 68 years
EXACT: Final = 1 << 53  # what JavaScript counts up to

log = structlog.get_logger()


def showing(page: Page, state: Callable[[], ChargePoint], clock: Clock, state_dir: Path) -> Showing:
    """Show the station's own status on *page*."""

    def make(now: Instant, sequence: int) -> Document:
        of = state()
        return board.document(
            of,
            now,
            station_id=page.code,
            sequence=sequence,
            name=page.name,
            default_price=read_default_price(text(of, "DefaultPrice")),
        )

    first = first_number(state_dir / NAME, clock.now())
    return Showing(page, state=state, make=make, clock=clock, first=first)


def first_number(file: Path, now: Instant) -> int:
    """The number of this run's first document: above those of every run that *file* knows.

    Where the file was lost with its disk the time, in milliseconds, is above them as well; where
    the clock is wrong the file is. A disk that takes nothing costs the number's memory alone.
    """
    last = 0
    with suppress(OSError, ValueError):
        last = int(file.read_text(encoding="ascii"))
    if not 0 <= last < EXACT - A_RUN:  # not ours: we would not live to see it
        last = 0
    first = max(last + A_RUN, int(now.wall.timestamp() * 1000))
    try:
        write_whole(file, f"{first}\n".encode())
    except OSError as problem:
        log.warning("page_sequence_not_kept", why=problem.strerror)
    return first

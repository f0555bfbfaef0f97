"""A page: what one step leaves for behind the disk, in its three beats."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from edge.core.effects import BEATS, Beat, Effect, Store, Write
from edge.core.records import Alive, Metered, Queued, Record
from edge.core.thinning import is_spare

Probe = Callable[[str], None]
"""Told each crash point as it is passed; tests let it raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The step of *turn*: rows first, then what adds energy, then what is told.

    *stores* are rows that may be left out if the disk does not take them.
    """

    turn: int
    records: tuple[Record, ...] = ()
    stores: tuple[Store, ...] = ()
    energise: tuple[Effect, ...] = ()
    tell: tuple[Effect, ...] = ()

    @property
    def rows(self) -> tuple[Record, ...]:
        """What is to be written, all of it."""
        return (*self.records, *(store.record for store in self.stores))

    @property
    def is_blank(self) -> bool:
        """Nothing is left to do."""
        return not (self.rows or self.energise or self.tell)


def page_of(turn: int, effects: Iterable[Effect]) -> Page:
    """Sort the effects of one step that wait for the disk."""
    waiting = tuple(effects)
    return Page(
        turn=turn,
        records=tuple(effect.record for effect in waiting if isinstance(effect, Write)),
        stores=tuple(effect for effect in waiting if isinstance(effect, Store)),
        energise=tuple(effect for effect in waiting if BEATS[type(effect)] is Beat.ENERGISE),
        tell=tuple(effect for effect in waiting if BEATS[type(effect)] is Beat.TELL),
    )


def thinned(page: Page) -> Page:
    """*page* without the rows that a dead disk may cost: samples between begin and end, no more."""
    kept = tuple(record for record in page.records if not _is_spare(record))
    return replace(page, records=kept)


def _is_spare(record: Record) -> bool:
    if isinstance(record, Metered | Alive):
        return True
    return isinstance(record, Queued) and is_spare(record.message)

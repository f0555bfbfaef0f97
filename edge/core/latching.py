"""Machine `latches`: faults that only somebody who has looked can release, over restarts too.

Source: safety 9, 12, 21.
"""

from __future__ import annotations

from edge.core import faults
from edge.core.draft import Draft
from edge.core.facts import ClearAsked, MustLatch
from edge.core.records import FaultLatched, FaultReleased, Latch
from edge.core.wishes import ReleaseAsked


def on_must_latch(draft: Draft, fact: MustLatch) -> None:
    """Write it once."""
    latches = draft.bay(fact.connector).latches
    if fact.latch in latches:
        return
    found = faults.LATCHED[fact.latch]
    draft.write(
        FaultLatched(connector=fact.connector, code=found.code, info=found.info, latch=fact.latch)
    )
    draft.put(fact.connector, latches=latches | {fact.latch})


def on_release(draft: Draft, event: ReleaseAsked) -> None:
    """Somebody has looked; what is not mended latches again."""
    latches = draft.bay(event.connector).latches
    for latch in sorted(latches):
        draft.write(FaultReleased(connector=event.connector, latch=latch))
    draft.put(event.connector, latches=frozenset())


def on_clear_asked(draft: Draft, fact: ClearAsked) -> None:
    """An admin's card is somebody who stands there: residual current may be tried again.

    A weld is not for a card: whoever says `release` has looked at the contactor.
    """
    latches = draft.bay(fact.connector).latches
    if Latch.RCD in latches:
        draft.write(FaultReleased(connector=fact.connector, latch=Latch.RCD))
        draft.put(fact.connector, latches=latches - {Latch.RCD})

"""Machine `latches`: faults that only somebody who has looked can release, over restarts too.

Source: safety 9, 12, 21.
"""

from __future__ import annotations

from edge.core import faults
from edge.core.draft import Draft
from edge.core.facts import MustLatch
from edge.core.records import FaultLatched, FaultReleased
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

"""Machine `setpoint`: what a local energy manager allows, for as long as it goes on saying so.

Source: safety 16; ruling 28.
"""

from __future__ import annotations

from collections.abc import Iterator

from edge.core.bay import Bay, Setpoint
from edge.core.draft import Draft
from edge.core.wishes import SetpointGiven


def on_given(draft: Draft, event: SetpointGiven) -> None:
    """Take it, or let it go; the same again only lasts longer."""
    before = draft.bay(event.connector).setpoint
    if event.limit_a is None:
        draft.put(event.connector, setpoint=None)
        return
    held = before is not None and before.limit_a == event.limit_a and draft.now < before.until
    draft.put(
        event.connector,
        setpoint=Setpoint(
            limit_a=event.limit_a,
            since=before.since if before is not None and held else draft.now,
            until=draft.now + event.for_s,
        ),
    )


def deadlines(bay: Bay) -> Iterator[float]:
    """When it runs out."""
    if bay.setpoint is not None:
        yield bay.setpoint.until

"""Machine `health`: this process began, and whether its memory works."""

from __future__ import annotations

from edge.core import metering
from edge.core.draft import Draft
from edge.core.events import JournalHealed, JournalLost, Started
from edge.core.facts import Registered
from edge.core.records import BootStarted


def on_started(draft: Draft, event: Started) -> None:
    """The first row of every process: what the next one tells power cuts from restarts by."""
    draft.write(
        BootStarted(
            at=event.at, kernel_boot=draft.state.setup.kernel_boot, boot=draft.station.clock.boot
        )
    )
    metering.align(draft)


def on_registered(draft: Draft, _: Registered) -> None:
    """The clock has been learnt: clock-aligned sampling may begin."""
    metering.align(draft)


def on_journal_lost(draft: Draft, event: JournalLost) -> None:
    """Nothing can be promised now: no new sessions (`levels.may_begin`)."""
    draft.put_station(journal_lost=event.kind)


def on_journal_healed(draft: Draft, _: JournalHealed) -> None:
    """Memory is back."""
    draft.put_station(journal_lost=None)

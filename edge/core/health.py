"""Machine `health`: this process began, and whether its memory and clock are sound."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from edge.core import metering
from edge.core.draft import Draft
from edge.core.events import JournalHealed, JournalLost, Started
from edge.core.facts import Registered, SecurityNoticed
from edge.core.instant import rfc3339
from edge.core.records import BootStarted, DamageAccepted, DamageTold
from edge.core.vocabulary import SecurityEvent
from edge.core.wishes import DamageAcknowledged

MOST_MOVES: Final = 4  # of the clock, told in an hour: one that stands still moves all the time
HOUR_S: Final = 3600.0
CLOCK_MOVED_S: Final = 5.0  # a slow line, a peer that tells whole seconds, a leap second: less


def on_started(draft: Draft, event: Started) -> None:
    """The first row of every process: what the next one tells power cuts from restarts by."""
    draft.write(
        BootStarted(
            at=event.at, kernel_boot=draft.state.setup.kernel_boot, boot=draft.station.clock.boot
        )
    )
    metering.align(draft)
    damage = draft.station.damage
    if damage is not None and not damage.told:
        lost = f"not whole: {', '.join(damage.broken)}" if damage.broken else "all tables are whole"
        info = f"the journal was damaged; {damage.rows} rows came over, {lost}"
        draft.write(DamageTold())
        draft.put_station(damage=replace(damage, told=True))
        draft.tell(SecurityNoticed(event=SecurityEvent.SECURITY_LOG_WAS_CLEARED, info=info))
    version = draft.state.setup.identity.firmware_version
    draft.tell(
        SecurityNoticed(
            event=SecurityEvent.STARTUP_OF_THE_DEVICE,
            info=None if version is None else f"firmware {version}",
        )
    )
    if draft.station.rebooted:
        info = "the computer went down without being told to"
        draft.tell(SecurityNoticed(event=SecurityEvent.RESET_OR_REBOOT, info=info))


def on_registered(draft: Draft, _: Registered) -> None:
    """The clock has been learnt: clock-aligned sampling may begin."""
    metering.align(draft)


def on_journal_lost(draft: Draft, event: JournalLost) -> None:
    """Nothing can be promised now: no new sessions (`levels.may_begin`)."""
    draft.put_station(journal_lost=event.kind)
    if event.kind == "full":
        info = "no space left for the journal"
        draft.tell(SecurityNoticed(event=SecurityEvent.MEMORY_EXHAUSTION, info=info))


def on_damage_accepted(draft: Draft, _: DamageAcknowledged) -> None:
    """Somebody knows what was lost: the station is trusted again."""
    if draft.station.damage is not None:
        draft.write(DamageAccepted())
        draft.put_station(damage=None)


def on_journal_healed(draft: Draft, _: JournalHealed) -> None:
    """Memory is back."""
    draft.put_station(journal_lost=None)


def on_tick(draft: Draft) -> None:
    """See whether somebody set the clock: the central system, NTP, or a hand.

    All of them are, to whoever reads the log, the system time being set (whitepaper 8). Where it
    moved too often to tell each time, the next line says how far it went in all.
    """
    clock = draft.at.wall.timestamp() - draft.now
    before = draft.station.clock_shown
    if before is None:
        draft.put_station(clock_shown=clock)
        return
    moves = tuple(at for at in draft.station.clock_moves if draft.now < at + HOUR_S)
    if abs(clock - before) < CLOCK_MOVED_S or len(moves) >= MOST_MOVES:
        return
    draft.put_station(clock_shown=clock, clock_moves=(*moves, draft.now))
    was = datetime.fromtimestamp(before + draft.now, UTC)
    info = f"from {rfc3339(was)} to {rfc3339(draft.at.wall)}"
    draft.tell(SecurityNoticed(event=SecurityEvent.SETTING_SYSTEM_TIME, info=info))

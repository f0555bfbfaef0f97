"""Machine `security_events`: the security log, and its critical lines told to the central system.

Source: security whitepaper ed. 3, A04, chapter 8.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from edge.core.draft import Draft
from edge.core.facts import SecurityNoticed
from edge.core.security_log import SecurityEventForgotten, SecurityEventLogged
from edge.core.vocabulary import SecurityEvent

MOST_LINES: Final = 1000  # years of a healthy station, weeks of an attack, 0.2 MB of the card
MOST_INFO: Final = 255  # SecurityEventNotification.techInfo

CRITICAL: Final = frozenset(
    {
        SecurityEvent.FIRMWARE_UPDATED,
        SecurityEvent.SETTING_SYSTEM_TIME,
        SecurityEvent.STARTUP_OF_THE_DEVICE,
        SecurityEvent.RESET_OR_REBOOT,
        SecurityEvent.SECURITY_LOG_WAS_CLEARED,
        SecurityEvent.MEMORY_EXHAUSTION,
        SecurityEvent.TAMPER_DETECTION_ACTIVATED,
    }
)
"""What chapter 8 wants pushed to the central system; the rest is only logged."""


def _put(draft: Draft, **changes: Any) -> None:
    draft.put_station(security_events=replace(draft.station.security_events, **changes))


def on_noticed(draft: Draft, fact: SecurityNoticed) -> None:
    """Write it down; when the log is full, its oldest line makes room, told or not."""
    events = draft.station.security_events
    logged = SecurityEventLogged(
        seq=events.last_seq + 1,
        event=fact.event,
        at=draft.at,
        info=None if fact.info is None else fact.info[:MOST_INFO],
        untold=fact.event in CRITICAL,
    )
    draft.write(logged)
    untold = (*events.untold, logged) if logged.untold else events.untold
    oldest = logged.seq - MOST_LINES
    if oldest > 0:
        draft.write(SecurityEventForgotten(seq=oldest))
        untold = tuple(one for one in untold if one.seq > oldest)
    _put(draft, last_seq=logged.seq, untold=untold)

"""How near the end of a certificate is, and which warning that makes due. Pure."""

from __future__ import annotations

from typing import Final

DAY_MS: Final = 86_400_000
STAGES: Final = (7, 30, 60)
"""Days before the end at which it is told, the last warning first."""

OVER: Final = 0


def stage(not_after_ms: int, now_ms: int) -> int | None:
    """Give the warning that is due: 60, 30 or 7 days, 0 when it is over, `None` for none."""
    left_ms = not_after_ms - now_ms
    if left_ms <= 0:
        return OVER
    return next((days for days in STAGES if left_ms <= days * DAY_MS), None)


def days_left(not_after_ms: int, now_ms: int) -> int:
    """Give the whole days until the end; less than 0 behind it."""
    return (not_after_ms - now_ms) // DAY_MS

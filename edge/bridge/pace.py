"""How often the bridge does what, and how it says that something does not go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog

REASON_MAX: Final = 300  # characters of a log line

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often what is done."""

    between_s: float = 1.0
    """Between two writes of one station."""
    pulse_s: float = 20.0
    """Between two proofs; the page calls a mirror lost after three (`hmi/feed/firebase.js`)."""
    list_s: float = 30.0
    """Between two looks at who is in service."""
    catch_up_s: float = 600.0
    """Between two looks for sessions that nobody told of."""
    first_s: float = 1.0
    """After the first failure; doubled up to the longest."""
    longest_s: float = 30.0


class Troubles:
    """Logs a trouble once, and again when its reason changes or when it is over."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def note(self, what: str, reason: object) -> None:
        """Something does not go, and why."""
        why = str(reason)[:REASON_MAX]
        if self._reasons.get(what) != why:
            self._reasons[what] = why
            log.warning("mirror_trouble", what=what, why=why)

    def well(self, what: str) -> None:
        """It goes."""
        if self._reasons.pop(what, None) is not None:
            log.info("mirror_well", what=what)

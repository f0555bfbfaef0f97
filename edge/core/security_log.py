"""The security log: its lines as the journal writes them, and its end as the state holds it.

Written by machine `security_events` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.core.instant import Instant
from edge.core.vocabulary import SecurityEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEventLogged:
    """One line of the security log; *untold*: the central system has to hear of it (A04)."""

    seq: int
    event: SecurityEvent
    at: Instant
    info: str | None
    untold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEventTold:
    """The central system has answered on it, or refused it for good."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEventForgotten:
    """The oldest line leaves to make room, told or not."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Events of one kind: how many since the monotonic second *since*."""

    since: float
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEvents:
    """The end of the security log, and the lines of it that the central system has not heard.

    *is_telling*: the oldest untold one is on the wire; *tries* were refused or ignored, at
    *unheard_at* the last time. *failures* counts tries of all lines since one was heard.
    *bursts* is what happened lately of the kinds that others can cause at will.
    """

    last_seq: int = 0
    untold: tuple[SecurityEventLogged, ...] = ()
    is_telling: bool = False
    tries: int = 0
    failures: int = 0
    unheard_at: float | None = None
    not_before: float | None = None
    bursts: Mapping[SecurityEvent, Burst] = field(default_factory=dict)

"""The charge point: all that decisions need, one frozen value.

A `Station` for what exists once, a `Bay` per connector. Each field belongs to the machine of the
same name and is written by it alone. What can be derived (status, lamp, offer, contactor order's
reasons) is not here but in `levels`; what may grow without bound is in the journal.
Times written `..._at` or `..._until` as float are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from edge.core.access import Security
from edge.core.anchors import Clock
from edge.core.bay import Bay, Notice, Permit
from edge.core.card_roles import Cards
from edge.core.cost_messages import UserPrice
from edge.core.events import TagFlaw
from edge.core.instant import Instant
from edge.core.messages import IdTagInfo
from edge.core.profiles import Installed
from edge.core.quantities import Reading
from edge.core.records import Queued, TagCached
from edge.core.saved import Damage
from edge.core.security_log import SecurityEvents
from edge.core.setup import Setup
from edge.core.vocabulary import (
    AvailabilityType,
    RegistrationStatus,
    ResetType,
    Trouble,
)
from edge.core.waiting import Waiting
from edge.core.work import Job, JobKind
from edge.core.x509 import Certificates, Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Our standing with the central system. *heard_at* is the last sign of life on the line."""

    link_up: bool = False
    status: RegistrationStatus | None = None
    waiting: bool = False
    retry_at: float | None = None
    interval_s: int = 0
    accepted_at: float = 0.0
    heard_at: float = 0.0
    beating: bool = False

    @property
    def online(self) -> bool:
        """Requests other than BootNotification may be sent."""
        return self.link_up and self.status is RegistrationStatus.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The head of the journal's queue; the rest stays there.

    *bound* maps our refs to the central system's ids, as long as messages of that ref may still
    wait; a start that was refused for good has none. *flights* are the seqs that the line has: on
    the wire, and the one to follow it. *failed_at* is when a message last spent an attempt.
    *probing*: the line is found out about, or has been. *refilling* is the ticket under which more
    was asked of the journal.
    """

    head: tuple[Queued, ...] = ()
    count: int = 0
    last_seq: int = 0
    bound: Mapping[int, int] = field(default_factory=dict)
    flights: tuple[int, ...] = ()
    failed_at: float | None = None
    refilling: int | None = None
    probing: bool = False
    drops: int = 0
    dead_letters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Floating:
    """Somebody may start on whichever of *among* is plugged first."""

    permit: Permit
    among: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The lamp says no until *until*; *flaw*: what is wrong with the card itself."""

    until: float
    flaw: TagFlaw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """Taps on their way, and what is known of tags (keys in lower case)."""

    asking: int = 0
    floating: tuple[Floating, ...] = ()
    cache: Mapping[str, TagCached] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalList:
    """The tags that the central system listed (keys in lower case); an empty list is version 0."""

    version: int = 0
    entries: Mapping[str, IdTagInfo] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """*connector*, 0 = any, is kept for a tag or its group until *expiry_date*.

    *until* is that moment as the clocks stood when they were last compared.
    """

    reservation_id: int
    connector: int
    id_tag: str
    expiry_date: datetime
    until: float
    parent_id_tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarting:
    """A reset was accepted *since*; the process ends when sessions are settled or at *until*."""

    type: ResetType
    since: float
    until: float
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Charging:
    """Charging profiles, and what follows from them until *due*, by the clock as it stood.

    *limits* is the current each connector may be offered, 0 = paused; without profiles it is empty.
    *phases*, of those with a phase relay, is how many they may give, 1 or 3.
    *turns* are the connectors that charge, the one served first in front; *left_out* those of them
    for whom nothing is left, *served_since* when each of the others was let in. *clock* is wall
    minus monotonic seconds, *guessed* the ids of profiles set while that was a guess.
    """

    profiles: tuple[Installed, ...] = ()
    limits: Mapping[int, float] = field(default_factory=dict)
    phases: Mapping[int, int] = field(default_factory=dict)
    turns: tuple[int, ...] = ()
    left_out: frozenset[int] = frozenset()
    served_since: Mapping[int, float] = field(default_factory=dict)
    clock: float = 0.0
    guessed: frozenset[int] = frozenset()
    due: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What keeps us from the central system, *why* in its own words, *since* when; `None`: nothing.

    *ends_at* is when the certificate ends that the far end showed last.
    """

    trouble: Trouble | None = None
    why: str = ""
    since: float = 0.0
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The journal's room as last seen, and at the last pass; *thinned* samples ever went for it."""

    free_bytes: int | None = None
    is_short: bool = False
    thinned: int = 0
    thinned_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """What exists once.

    *rebooted*: the computer went down before this process, without our doing; *damage* is that of
    the journal before this one, until it is accepted. *clock_shown* is wall minus monotonic
    seconds, as last seen; *clock_moves*: when it was told, in the last hour, that they had moved.
    """

    clock: Clock = field(default_factory=Clock)
    registration: Registration = field(default_factory=Registration)
    outbox: Outbox = field(default_factory=Outbox)
    authorisation: Authorisation = field(default_factory=Authorisation)
    refusals: Mapping[int, Refusal] = field(default_factory=dict)
    charging: Charging = field(default_factory=Charging)
    configuration: Mapping[str, str] = field(default_factory=dict, repr=False)
    security: Security = field(default_factory=Security)
    security_events: SecurityEvents = field(default_factory=SecurityEvents)
    certificates: Certificates = field(default_factory=Certificates)
    credentials: Credentials = field(default_factory=Credentials)
    cards: Cards = field(default_factory=Cards)
    local_list: LocalList = field(default_factory=LocalList)
    reservations: tuple[Reservation, ...] = ()
    user_prices: tuple[UserPrice, ...] = ()
    service: AvailabilityType = AvailabilityType.OPERATIVE
    notice: Notice = field(default_factory=Notice)
    restarting: Restarting | None = None
    jobs: Mapping[JobKind, Job] = field(default_factory=dict)
    last_ref: int = 0
    last_starts: Mapping[int, Instant] = field(default_factory=dict)
    dial_failures: int = 0
    line: Line = field(default_factory=Line)
    journal_lost: str | None = None
    readers_lost: Mapping[int, str] = field(default_factory=dict)
    supply_lost: bool = False
    main_meter: Reading | None = None
    rebooted: bool = False
    damage: Damage | None = None
    space: Space = field(default_factory=Space)
    clock_shown: float | None = None
    clock_moves: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePoint:
    """The whole. *bays* counts from connector 1; *message_count* numbers this process's messages.

    *at* is the monotonic second of the last step: all that was due until then has been done.
    """

    setup: Setup
    station: Station
    bays: tuple[Bay, ...]
    at: float = 0.0
    waiting: Mapping[int, Waiting] = field(default_factory=dict)
    last_ticket: int = 0
    message_count: int = 0
    late_answers: int = 0

    @property
    def connectors(self) -> range:
        """The connector ids, from 1."""
        return range(1, len(self.bays) + 1)

    def bay(self, connector: int) -> Bay:
        """The bay of *connector*, which must exist."""
        if connector < 1:
            raise IndexError(connector)
        return self.bays[connector - 1]


def tag_key(id_tag: str) -> str:
    """Tags compare without case (CiString)."""
    return id_tag.lower()


def same_group(one: str | None, other: str | None) -> bool:
    """Whether two parents are the same, both known (3.10)."""
    return one is not None and other is not None and tag_key(one) == tag_key(other)


def accepts(info: IdTagInfo, now: datetime) -> bool:
    """Whether *info* lets its tag charge at *now*."""
    unexpired = info.expiry_date is None or info.expiry_date > now
    return info.status == "Accepted" and unexpired

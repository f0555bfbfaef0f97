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
from enum import StrEnum

from edge.core.access import Security
from edge.core.anchors import Clock
from edge.core.cost_messages import Cost, UserPrice
from edge.core.events import Pilot, Trip
from edge.core.instant import Instant
from edge.core.messages import IdTagInfo, MeterValue
from edge.core.profiles import Installed, Profile
from edge.core.quantities import Reading
from edge.core.records import Queued, TagCached
from edge.core.saved import Damage
from edge.core.security_log import SecurityEvents
from edge.core.setup import Setup
from edge.core.vocabulary import (
    AvailabilityType,
    ConnectorStatus,
    ErrorCode,
    RegistrationStatus,
    ResetType,
    StopReason,
)
from edge.core.waiting import Waiting
from edge.core.work import Job, JobKind
from edge.core.x509 import Certificates, Credentials


class Phase(StrEnum):
    """Where a connector is in the life of a session."""

    RECOVERING = "recovering"  # a transaction was open when the last process ended
    IDLE = "idle"
    PREPARING = "preparing"  # plugged, or permitted, or both but not yet ready
    OPENING = "opening"  # plugged and permitted: lock and begin register are awaited
    CHARGING = "charging"  # the transaction runs, whether energy flows or not
    STOPPING = "stopping"  # the stop is written; contactor and end register are awaited
    FINISHING = "finishing"  # over, the plug is still in


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Somebody may start here, until *until*."""

    id_tag: str
    parent_id_tag: str | None
    until: float
    remote: bool = False
    profile: Profile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Phase of one connector, and what the phase waits for.

    *until* is the phase's deadline; *asked*: the meter has been asked for the end register.
    *urgent*: this stop may break the load. *keeper* is the tag that may start again in FINISHING;
    *keeps_lock*: only it gets the cable back. *recovery* is how a session found open at the start
    ends, *resumable* whether it may go on instead.
    """

    phase: Phase = Phase.IDLE
    permit: Permit | None = None
    until: float | None = None
    asked: bool = False
    urgent: bool = False
    keeper: str | None = None
    keeper_parent: str | None = None
    keeps_lock: bool = False
    plugged_at: float | None = None
    started_at: float | None = None
    stopped_at: float | None = None
    recovery: StopReason | None = None
    recovery_at: Instant | None = None
    resumable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """The open transaction. *transaction_id* is the central system's, once known.

    *told_at* is the newest moment that any message of it tells.
    """

    ref: int
    id_tag: str
    parent_id_tag: str | None
    begin_wh: int
    started_at: Instant
    told_at: Instant
    transaction_id: int | None = None
    deauthorised: bool = False
    deauthorised_wh: int | None = None
    stop_reason: StopReason | None = None
    stopping_at: Instant | None = None
    stop_tag: str | None = None
    last_wh: int | None = None
    stop_values: tuple[MeterValue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """What the meter last said, and when samples are due."""

    last: Reading | None = None
    failed: str | None = None
    good_at: float | None = None
    sample_at: float | None = None
    aligned_at: float | None = None
    noted_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The inputs of the charging point as the driver last showed them."""

    known: bool = False
    lost: str | None = None
    plugged: bool = False
    pilot: Pilot = Pilot.NONE
    contactor_closed: bool = False
    locked: bool | None = None
    tripped: frozenset[Trip] = frozenset()
    rearm_at: float | None = None
    fault_since: float | None = None
    lock_failed: bool = False
    welded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contactor:
    """The order to the contactor, and how it comes to an end without breaking the load."""

    ordered: bool = False
    offered_a: float = 0.0
    seen_closed: bool = False
    ramp_since: float | None = None
    low_since: float | None = None
    opened_at: float | None = None
    hot_opens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """In or out of service; *scheduled* waits for the connector to be free."""

    availability: AvailabilityType = AvailabilityType.OPERATIVE
    scheduled: AvailabilityType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the central system knows of a status, and what it should know."""

    reported: tuple[ConnectorStatus, ErrorCode, str | None] | None = None
    candidate: tuple[ConnectorStatus, ErrorCode, str | None] | None = None
    since: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocking:
    """An UnlockConnector call waits for the lock."""

    call_id: int
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bay:
    """One connector."""

    connector: Connector = field(default_factory=Connector)
    transaction: Transaction | None = None
    metering: Metering = field(default_factory=Metering)
    seen: Seen = field(default_factory=Seen)
    contactor: Contactor = field(default_factory=Contactor)
    service: Service = field(default_factory=Service)
    notice: Notice = field(default_factory=Notice)
    unlocking: Unlocking | None = None
    cost: Cost = field(default_factory=Cost)


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
class Authorisation:
    """Taps on their way, and what is known of tags (keys in lower case)."""

    asking: int = 0
    floating: tuple[Floating, ...] = ()
    cache: Mapping[str, TagCached] = field(default_factory=dict)
    refused_until: Mapping[int, float] = field(default_factory=dict)


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
    """A reset was accepted; the process ends when transactions are settled or *until* has come."""

    type: ResetType
    until: float
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Charging:
    """Charging profiles, and what follows from them until *due*, by the clock as it stood.

    *limits* is the current each connector may be offered, 0 = paused; without profiles it is empty.
    *turns* are the connectors that charge, the one served first in front; *left_out* those of them
    for whom nothing is left, *served_since* when each of the others was let in. *clock* is wall
    minus monotonic seconds, *guessed* the ids of profiles set while that was a guess.
    """

    profiles: tuple[Installed, ...] = ()
    limits: Mapping[int, float] = field(default_factory=dict)
    turns: tuple[int, ...] = ()
    left_out: frozenset[int] = frozenset()
    served_since: Mapping[int, float] = field(default_factory=dict)
    clock: float = 0.0
    guessed: frozenset[int] = frozenset()
    due: float | None = None


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
    charging: Charging = field(default_factory=Charging)
    configuration: Mapping[str, str] = field(default_factory=dict, repr=False)
    security: Security = field(default_factory=Security)
    security_events: SecurityEvents = field(default_factory=SecurityEvents)
    certificates: Certificates = field(default_factory=Certificates)
    credentials: Credentials = field(default_factory=Credentials)
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
    journal_lost: str | None = None
    reader_lost: str | None = None
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

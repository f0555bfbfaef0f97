"""What a restart finds in the journal, in one value.

`restore` makes the state of it; the rows are those that `records` wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.core.anchors import Anchor
from edge.core.card_roles import CardKept
from edge.core.instant import Instant
from edge.core.messages import IdTagInfo
from edge.core.records import (
    AvailabilityChanged,
    BootStarted,
    ConfigurationChanged,
    ContactorWorn,
    FallbackKept,
    FaultLatched,
    ListedTag,
    ProfileSet,
    Queued,
    RcdTested,
    ReservationMade,
    ResetAccepted,
    TagCached,
    TransactionOpened,
    TransactionStopped,
    TransactionStopping,
)
from edge.core.security_log import SecurityEventLogged
from edge.core.work import SavedJob
from edge.core.x509 import CredentialsKept, Root


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTransaction:
    """A transaction as the journal holds it that is not yet settled with the central system.

    Kept while it is open or any of its messages wait; *last_wh* is the newest register written.
    """

    opened: TransactionOpened
    transaction_id: int | None = None
    id_tag_info: IdTagInfo | None = None
    deauthorised_wh: int | None = None
    last_wh: int | None = None
    last_at: Instant | None = None
    stopping: TransactionStopping | None = None
    stopped: TransactionStopped | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """The journal before this one was damaged; it is kept as *aside*.

    *rows* came over; the tables *broken* are not whole. *told*: the security log has it.
    """

    aside: str
    rows: int
    broken: tuple[str, ...]
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """All that a restart needs, read from the journal in one go.

    *lives* are the last signs of life, one per boot, oldest first; *last_starts* by connector.
    *damage* is that of the journal before this one, until somebody accepts it; *thinned* counts the
    samples that were ever let go for want of room.
    """

    transactions: tuple[SavedTransaction, ...] = ()
    outbox: tuple[Queued, ...] = ()
    outbox_count: int = 0
    last_seq: int = 0
    last_ref: int = 0
    last_boot: BootStarted | None = None
    lives: tuple[Instant, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    last_starts: Mapping[int, Instant] = field(default_factory=dict)
    reset: ResetAccepted | None = None
    availability: tuple[AvailabilityChanged, ...] = ()
    configuration: tuple[ConfigurationChanged, ...] = ()
    fallback: FallbackKept | None = None
    dial_failures: int = 0
    cards: tuple[CardKept, ...] = ()
    cache: tuple[TagCached, ...] = ()
    list_version: int = 0
    local_list: tuple[ListedTag, ...] = ()
    reservations: tuple[ReservationMade, ...] = ()
    faults: tuple[FaultLatched, ...] = ()
    wear: tuple[ContactorWorn, ...] = ()
    rcd_tests: tuple[RcdTested, ...] = ()
    profiles: tuple[ProfileSet, ...] = ()
    dead_letters: int = 0
    jobs: tuple[SavedJob, ...] = ()
    untold: tuple[SecurityEventLogged, ...] = ()
    last_security_seq: int = 0
    damage: Damage | None = None
    thinned: int = 0
    roots: tuple[Root, ...] = ()
    credentials: CredentialsKept | None = None

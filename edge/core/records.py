"""What the journal remembers: one value per row, grouped into one transaction per step.

The journal driver turns each into SQL; `restore` reads them back. A record never changes what an
earlier one said about money: registers and times are written once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from edge.core.anchors import Anchor
from edge.core.card_roles import CardForgotten, CardKept
from edge.core.instant import Instant
from edge.core.messages import IdTagInfo, TransactionMessage
from edge.core.profiles import Installed
from edge.core.security_log import (
    SecurityEventForgotten,
    SecurityEventLogged,
    SecurityEventTold,
)
from edge.core.vocabulary import AvailabilityType, ErrorCode, ResetType, StopReason
from edge.core.work import JobEnded, JobMoved, JobOrdered
from edge.core.x509 import CertificateRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class BootStarted:
    """This process began; *kernel_boot* is the kernel's boot id, *boot* its number here."""

    at: Instant
    kernel_boot: str
    boot: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """Durable evidence of life: what a power cut's stop time goes back to (ruling 4)."""

    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionOpened:
    """Energy may flow for this tag from this register on; *ref* is ours, for ever unique here.

    *meter_serial* is the meter's whose register that is, if it has a number.
    """

    ref: int
    connector: int
    id_tag: str
    begin_wh: int
    at: Instant
    parent_id_tag: str | None = None
    reservation_id: int | None = None
    meter_serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionBound:
    """The central system's number for *ref*, and its word on the tag."""

    ref: int
    transaction_id: int
    id_tag_info: IdTagInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionDeauthorised:
    """The register of *ref* when its tag was found invalid: grace counts from here (ruling 36)."""

    ref: int
    energy_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionStopping:
    """Why and when *ref* was told to stop; its end register is still to be read (ruling 2)."""

    ref: int
    reason: StopReason
    at: Instant
    id_tag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionStopped:
    """The end register of *ref*; *estimated* where the meter could not be asked."""

    ref: int
    end_wh: int
    at: Instant
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """The register of *ref* at this moment: what is billed if the meter dies."""

    ref: int
    energy_wh: int
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A transaction message waits for the central system, in the order of *seq*.

    *message* carries no transaction id yet: it is filled in from *ref* when it is sent.
    *attempts* counts refusals (CALLERROR), not outages (ruling 15).
    """

    seq: int
    ref: int | None
    message_id: str
    message: TransactionMessage
    at: Instant
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The central system answered CALLERROR: the attempt is spent and the next has a new id."""

    seq: int
    attempts: int
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The central system answered CALLRESULT: the message leaves the outbox.

    *may_wait* for the next commit: without the row a message goes out once more, with its old id,
    and for a sample nobody has to ask what the first answer was.
    """

    seq: int
    may_wait: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """Refused for good: kept as a dead letter, out of the way of those behind it."""

    seq: int
    at: Instant
    code: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """A dead letter waits in its old place again, under a new id; somebody asked for that."""

    seq: int
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinned:
    """These samples wait no more: the disk runs short, and begin and end are kept (I9)."""

    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityChanged:
    """In or out of service, over a reboot too (5.2); connector 0 is the station."""

    connector: int
    availability: AvailabilityType


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationChanged:
    """A configuration key has this value from now on; it may be a secret."""

    key: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackKept:
    """The way in that worked before the last change, until the new one has; `None`: none needed."""

    profile: int | None
    key: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOffKept:
    """Dialling has failed this often in a row: a new process begins as patiently; 0 = it works."""

    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCached:
    """What the central system last said of a tag (3.5.1); *id_tag* is folded to lower case."""

    id_tag: str
    info: IdTagInfo
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class TagForgotten:
    """One cached tag leaves to make room."""

    id_tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheCleared:
    """ClearCache was asked (5.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTag:
    """One entry of the local list (7.1); *id_tag* is folded to lower case."""

    id_tag: str
    info: IdTagInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChanged:
    """One SendLocalList, all of it or nothing (5.15); *anew*: what was listed before is gone."""

    version: int
    anew: bool
    entries: tuple[ListedTag, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationMade:
    """This connector, 0 = any, is kept until *expiry_date*; the same id replaces (5.13)."""

    reservation_id: int
    connector: int
    id_tag: str
    expiry_date: datetime
    parent_id_tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationEnded:
    """Used, cancelled, expired, or its connector is out of service."""

    reservation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetAccepted:
    """A reset was promised: it, not a power cut, is why we start again (ruling 4)."""

    type: ResetType
    at: Instant


class Latch(StrEnum):
    """What keeps a connector Faulted over a restart."""

    WELDED = "welded"  # by its feedback, which also shows when it is over
    FLOWS_WHILE_OPEN = "flows_while_open"  # by the meter, until somebody has looked
    RCD = "rcd"  # tripped too often, until somebody has looked
    RCD_TEST = "rcd_test"  # did not trip when tested, until somebody has looked


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultLatched:
    """A fault that outlives a restart: a welded contactor (safety 9)."""

    connector: int
    code: ErrorCode
    info: str
    latch: Latch = Latch.WELDED


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReleased:
    """The latched fault is gone: feedback shows it, or somebody has looked."""

    connector: int
    latch: Latch = Latch.WELDED


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactorWorn:
    """How often this contactor has closed, and opened under load, in its life."""

    connector: int
    closings: int
    hot_opens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RcdTested:
    """The residual current device tripped as it should at *passed_at*; *tries* were begun since.

    Written before each pulse and after each that passed.
    """

    connector: int
    passed_at: Instant | None
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageTold:
    """The security log has it that this journal replaces a damaged one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageAccepted:
    """Somebody has looked at it: nothing is held against the journal any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSet:
    """A charging profile applies from now on, over a reboot too (errata 3.37)."""

    installed: Installed


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileCleared:
    """It is gone: cleared, replaced, or its transaction is over."""

    charging_profile_id: int


Record = (
    BootStarted
    | Anchor
    | Alive
    | TransactionOpened
    | TransactionBound
    | TransactionDeauthorised
    | TransactionStopping
    | TransactionStopped
    | Metered
    | Queued
    | Refused
    | Delivered
    | Parked
    | Resent
    | Thinned
    | AvailabilityChanged
    | ConfigurationChanged
    | FallbackKept
    | BackOffKept
    | TagCached
    | TagForgotten
    | CacheCleared
    | CardKept
    | CardForgotten
    | ListChanged
    | ReservationMade
    | ReservationEnded
    | ResetAccepted
    | FaultLatched
    | FaultReleased
    | ContactorWorn
    | RcdTested
    | DamageTold
    | DamageAccepted
    | ProfileSet
    | ProfileCleared
    | JobOrdered
    | JobMoved
    | JobEnded
    | SecurityEventLogged
    | SecurityEventTold
    | SecurityEventForgotten
    | CertificateRecord
)

"""Everything the world can tell us. Past tense; each says when it happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from edge.core.access import Access
from edge.core.card_roles import CardAsked, ErasureAsked
from edge.core.commands import Command
from edge.core.instant import Instant
from edge.core.messages import CallError, Confirmation, NoAnswer
from edge.core.quantities import Reading
from edge.core.records import Queued
from edge.core.vocabulary import SecurityEvent, Trouble
from edge.core.wishes import (
    DamageAcknowledged,
    ReleaseAsked,
    ResendAsked,
    SetpointGiven,
    TransferAsked,
)
from edge.core.x509 import X509Answer


class Pilot(StrEnum):
    """State of the control pilot (IEC 61851-1), `NONE` where the hardware has no pilot."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"
    NONE = "none"


class Trip(StrEnum):
    """Why the reflex opened the coil by itself (ruling 1)."""

    EMERGENCY_STOP = "emergency_stop"
    RCD = "rcd"
    PILOT_LOST = "pilot_lost"
    WELDED = "welded"
    NOT_CLOSED = "not_closed"
    OVER_TEMPERATURE = "over_temperature"
    DEAD_MAN = "dead_man"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The drivers are about to run; the state comes from `restore`."""

    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """The deadline that `next_deadline` named has come."""

    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPresented:
    """A card was laid on *reader*, which serves *connectors* (all, if empty)."""

    at: Instant
    id_tag: str
    reader: int = 0
    connectors: tuple[int, ...] = ()


class TagFlaw(StrEnum):
    """Why a card's number names nobody."""

    CHANGES = "changes"  # another one at each tap: phones, bank cards
    TOO_LONG = "too_long"  # OCPP has 20 characters for it


@dataclass(frozen=True, slots=True, kw_only=True)
class TagUnusable:
    """A card was laid on *reader* whose number cannot be its owner's."""

    at: Instant
    flaw: TagFlaw
    reader: int = 0
    connectors: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseSeen:
    """What one charging point's inputs show now, all of them, sent whenever one changes.

    *tripped* holds the reflex's latched causes whose input is still active or not yet re-armed.
    *locked* is `None` without a lock. *plugged* is the plug at the socket, *pilot* the car's side.
    *rcd_pulsed*: the test coil of the residual current device is on.
    *temperature_c* is that of the charging point's own sensor, `None` without one or without news.
    *phases* is what a phase relay gives, 1 or 3, `None` without one.
    """

    at: Instant
    connector: int
    plugged: bool
    pilot: Pilot
    contactor_closed: bool
    locked: bool | None = None
    tripped: frozenset[Trip] = frozenset()
    rcd_pulsed: bool = False
    temperature_c: float | None = None
    phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureRead:
    """What a sensor of its own beside the contactor of *connector* says."""

    at: Instant
    connector: int
    celsius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPressed:
    """Somebody pressed the stop button of *connector*: end the session, no danger."""

    at: Instant
    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRead:
    """A reading, asked for by *ticket* or from polling (`None`); connector 0 is the main meter."""

    at: Instant
    connector: int
    reading: Reading
    ticket: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFailed:
    """No usable reading: *why* is one sentence for the installer."""

    at: Instant
    connector: int
    why: str
    ticket: int | None = None


class Port(StrEnum):
    """The kinds of driver."""

    READER = "reader"
    METER = "meter"
    EVSE = "evse"
    SENSOR = "sensor"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverLost:
    """A driver stopped working; the supervisor goes on trying.

    Connector 0: not one connector's; *reader* is the reader's number if it is one.
    """

    at: Instant
    port: Port
    connector: int
    why: str
    reader: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverFound:
    """It works (again)."""

    at: Instant
    port: Port
    connector: int
    reader: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkUp:
    """The WebSocket is open, the subprotocol agreed; *access* is how the peer let us in.

    *root* is the fingerprint of the root that its certificate was checked by, if it has one, and
    *ends_at* when that certificate ends.
    """

    at: Instant
    access: Access | None = None
    root: str | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDown:
    """The WebSocket is gone; an open request has been settled with `NoAnswer` before this."""

    at: Instant
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DialRefused:
    """A dial did not lead to the central system: *trouble*, and *why* in one sentence.

    *suspicion* is what chapter 8 calls it where one of the two would not have the other.
    """

    at: Instant
    suspicion: SecurityEvent | None = None
    why: str
    trouble: Trouble = Trouble.UNREACHABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesRefused:
    """*count* frames of the central system were not as they must be: *suspicion*."""

    at: Instant
    suspicion: SecurityEvent
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEventReported:
    """A sensor, or the simulated bay in its place, reports *event*."""

    at: Instant
    event: SecurityEvent
    info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DialPostponed:
    """Dialling waits, because that or the line has failed *failures* times in a row."""

    at: Instant
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The request of *ticket* is over: answered, refused or unanswered. Exactly one per `Send`."""

    at: Instant
    ticket: int
    answer: Confirmation | CallError | NoAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReceived:
    """The central system asks; exactly one `Reply` with this *call_id* must follow."""

    at: Instant
    call_id: int
    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRead:
    """The journal's answer to `ReadOutbox`: messages after those in the state, in order."""

    at: Instant
    ticket: int
    messages: tuple[Queued, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLost:
    """A commit failed; pages wait and are retried. *kind* as in `errors.JournalFailed`."""

    at: Instant
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHealed:
    """Commits go through again."""

    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSeen:
    """The journal can grow by *free_bytes*, what is free in its file included."""

    at: Instant
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """`Store` of *ticket* is over: on the disk, or, with *failure* (a kind as above), never."""

    at: Instant
    ticket: int
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerFailing:
    """The supply is going and a back-up holds us up for a moment (TC_032_1)."""

    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerReturned:
    """The supply that was going is back, and lasts."""

    at: Instant


class Failure(StrEnum):
    """What went wrong with a job, as far as OCPP tells cases apart (whitepaper 6.19)."""

    MALFORMED = "malformed"  # a location or an answer that makes no sense
    DENIED = "denied"  # the far end, or our own rules, forbid it
    UNSUPPORTED = "unsupported"  # the far end cannot do it
    UNTRUSTED = "untrusted"  # not signed by whom we trust
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinished:
    """The long work of *ticket* is over; *failure* `None`: well."""

    at: Instant
    ticket: int
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgressed:
    """*done_bytes* of the file of *ticket* have passed the wire."""

    at: Instant
    ticket: int
    done_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class X509Answered:
    """What came of `InspectRoot`, `CheckChain` or `MakeSigningRequest`."""

    at: Instant
    ticket: int
    answer: X509Answer


Event = (
    Started
    | Ticked
    | TagPresented
    | TagUnusable
    | EvseSeen
    | TemperatureRead
    | SetpointGiven
    | ReleaseAsked
    | StopPressed
    | MeterRead
    | MeterFailed
    | DriverLost
    | DriverFound
    | LinkUp
    | LinkDown
    | DialRefused
    | FramesRefused
    | SecurityEventReported
    | DialPostponed
    | Settled
    | CallReceived
    | OutboxRead
    | JournalLost
    | JournalHealed
    | SpaceSeen
    | DamageAcknowledged
    | Stored
    | TransferAsked
    | ResendAsked
    | CardAsked
    | ErasureAsked
    | PowerFailing
    | PowerReturned
    | JobFinished
    | JobProgressed
    | X509Answered
)

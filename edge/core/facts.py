"""What machines tell each other within one step. Each fact is worked off before the step ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from edge.core.bay import Permit
from edge.core.instant import Instant
from edge.core.messages import IdTagInfo, MeterValue, TransactionMessage
from edge.core.profiles import Profile
from edge.core.quantities import Reading
from edge.core.records import Latch
from edge.core.vocabulary import ReadingContext, SecurityEvent, StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTold:
    """The central system says that it is *wall* now."""

    wall: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """BootNotification was accepted: the line is open for everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """*permit* holds on *connector*."""

    connector: int
    permit: Permit


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The permit on *connector*, or the cable it keeps, is given back to its owner."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PluggedIn:
    """A plug came into the socket (or a car onto the fixed cable)."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PluggedOut:
    """It is gone."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CarGone:
    """The car's end is out while our end is still in (pilot A)."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InputsChanged:
    """Something else about the inputs changed: lock, contactor feedback, pilot, trips."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MustLatch:
    """*latch* keeps *connector* Faulted from now on, until somebody has looked."""

    connector: int
    latch: Latch


@dataclass(frozen=True, slots=True, kw_only=True)
class MustStop:
    """The transaction on *connector* has to end; *urgent* opens the contactor under load.

    *at* is when it really ended, where that was before now.
    """

    connector: int
    reason: StopReason
    id_tag: str | None = None
    urgent: bool = False
    at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearAsked:
    """A person who may says that what has tripped on *connector* shall be tried again."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyToOpen:
    """Plugged, permitted, locked, and *begin* is the register: the transaction may open."""

    connector: int
    permit: Permit
    begin: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A transaction is open; *profile* limits it, the reservation *reservation_id* is used up."""

    connector: int
    begin: Reading
    profile: Profile | None = None
    reservation_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRead:
    """The end register of *connector*; `None`: the meter could not be asked."""

    connector: int
    end: Reading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The transaction is over and its StopTransaction queued."""

    connector: int
    reason: StopReason
    id_tag: str
    parent_id_tag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A transaction of the last process goes on in this one (ruling 40)."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueue:
    """*message* must reach the central system, exactly once, in order."""

    ref: int | None
    message: TransactionMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The central system answered StartTransaction of *ref*."""

    ref: int
    transaction_id: int
    id_tag_info: IdTagInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRefused:
    """A card may not at *connectors*, here and now."""

    connectors: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagLearnt:
    """The central system said this of a tag."""

    id_tag: str
    info: IdTagInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """Values of one moment belong to the transaction on *connector*."""

    connector: int
    context: ReadingContext
    reading: Reading
    value: MeterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChanged:
    """A configuration key has a new value; *was* is the one before, as GetConfiguration has it."""

    key: str
    was: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAsked:
    """A tag wants to start, at a reader or from afar; *connector* `None`: whichever is plugged."""

    id_tag: str
    connector: int | None
    among: tuple[int, ...]
    remote: bool
    profile: Profile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """TriggerMessage asked for *message*; *connector* `None`: all."""

    message: str
    connector: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityNoticed:
    """Something that the security log must hold (whitepaper 8); *info* carries no secret."""

    event: SecurityEvent
    info: str | None = None


Fact = (
    TimeTold
    | Registered
    | Granted
    | Cancelled
    | PluggedIn
    | PluggedOut
    | CarGone
    | InputsChanged
    | MustLatch
    | MustStop
    | ClearAsked
    | ReadyToOpen
    | Opened
    | EndRead
    | Closed
    | Resumed
    | Enqueue
    | Bound
    | TagRefused
    | TagLearnt
    | Sampled
    | KeyChanged
    | StartAsked
    | Triggered
    | SecurityNoticed
)

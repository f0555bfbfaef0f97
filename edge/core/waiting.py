"""Tickets: what an answer is for, and until when it is worth having.

A machine asks the world with a *ticket*; the purpose behind it, a frozen value, waits in the
state. The answer comes as an event with the same ticket; a late one finds nothing and is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from edge.core.profiles import Profile
from edge.core.records import ListChanged
from edge.core.vocabulary import CertificateUse, ConnectorStatus, ErrorCode, ReadingContext
from edge.core.work import JobOrdered, Stage

MOST_WAITING: Final = (
    64  # far above what two connectors can have open; a leak shows as an assertion
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToBoot:
    """BootNotification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToBeat:
    """Heartbeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToProbe:
    """A heartbeat that shows whether the peer answers anything but message *seq* (ruling 15)."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToNotify:
    """StatusNotification of *connector*."""

    connector: int
    status: ConnectorStatus
    error_code: ErrorCode


@dataclass(frozen=True, slots=True, kw_only=True)
class ToMention:
    """A message whose answer changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDeliver:
    """The transaction message *seq* of the outbox; *is_numbered*: its session has a number."""

    seq: int
    is_numbered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToRefill:
    """The outbox's head from the journal; *last_seq* was the newest message then."""

    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToThin:
    """Messages behind *edge*, the last of the outbox's head, to let samples among them go."""

    edge: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToStart:
    """Authorize, to start on *connector* (`None`: the first plugged of *among*).

    *served* are the connectors of the reader, empty for a remote start.
    """

    id_tag: str
    connector: int | None
    among: tuple[int, ...]
    served: tuple[int, ...] = ()
    remote: bool = False
    profile: Profile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToStop:
    """Authorize, to stop *connector*'s transaction as a member of its starter's group."""

    id_tag: str
    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToLearn:
    """Authorize that came too late for who waited at the reader: good for the cache (ruling 5)."""

    id_tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToBegin:
    """The register before the contactor closes."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToEnd:
    """The register after it opened."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSample:
    """A reading for MeterValues; *due* is the clock-aligned moment it stands for."""

    connector: int
    context: ReadingContext
    due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToFinish:
    """The work on *order* that makes its *stage*: a download, an upload, an installation."""

    order: JobOrdered
    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ToVet:
    """The signer of *order*, whose call waits for an answer."""

    call_id: int
    order: JobOrdered


@dataclass(frozen=True, slots=True, kw_only=True)
class ToReport:
    """The oldest untold status of *order*."""

    order: JobOrdered


@dataclass(frozen=True, slots=True, kw_only=True)
class ToWarn:
    """The critical line *seq* of the security log."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToInstall:
    """What the certificate in the InstallCertificate *call_id* is, which shall serve for *use*."""

    call_id: int
    use: CertificateUse


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTake:
    """Where the chain in the CertificateSigned *call_id* leads."""

    call_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToMakeKey:
    """A new key pair, for the request number *asked* in a row, in the name of *organisation*."""

    asked: int
    organisation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSign:
    """SignCertificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToStore:
    """The local list as SendLocalList *call_id* wants it, answered once it is on the disk."""

    call_id: int
    change: ListChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTransfer:
    """DataTransfer *number* of somebody on this machine."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTestRcd:
    """The announcement of a self-test at *connector*, to be on the disk first."""

    connector: int


Purpose = (
    ToBoot
    | ToBeat
    | ToProbe
    | ToNotify
    | ToMention
    | ToDeliver
    | ToRefill
    | ToThin
    | ToStart
    | ToStop
    | ToLearn
    | ToBegin
    | ToEnd
    | ToSample
    | ToFinish
    | ToVet
    | ToReport
    | ToWarn
    | ToInstall
    | ToTake
    | ToMakeKey
    | ToSign
    | ToStore
    | ToTransfer
    | ToTestRcd
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A purpose, and the monotonic second when the core gives up on it (`None`: the link tells)."""

    purpose: Purpose
    until: float | None = None

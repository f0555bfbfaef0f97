"""What we can ask of the world, by beat: off first, on last, nothing told before it is written.

`Beat.CUT` and `Beat.SHOW` run at once in the loop. `RECORD` < `ENERGISE` < `TELL` run in this order
behind the disk: all records of one step are one commit, and the rest of the page waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final

from edge.core.access import Access
from edge.core.commands import CommandAnswer
from edge.core.messages import CallError, DataTransferConf, Request
from edge.core.records import Record
from edge.core.vocabulary import LogType
from edge.core.work import Seal
from edge.core.x509 import CheckChain, InspectRoot, MakeSigningRequest, X509Question


class Beat(IntEnum):
    """When an effect runs, in order."""

    CUT = 1
    SHOW = 2
    RECORD = 3
    ENERGISE = 4
    TELL = 5


class Lamp(StrEnum):
    """What the lamp of a connector says."""

    OFF = "off"
    AVAILABLE = "available"
    WAITING = "waiting"
    READY = "ready"
    CHARGING = "charging"
    SUSPENDED = "suspended"
    FINISHED = "finished"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"
    SETUP = "setup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Open the contactor now."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce:
    """Offer less current, 0 = withdraw the offer (pilot state x1)."""

    connector: int
    limit_a: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPhases:
    """Let the phase relay give this many phases: nothing flows, and the contactor is open.

    At once, so that no slow disk takes from the pause that follows.
    """

    connector: int
    phases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Set the lamp."""

    connector: int
    lamp: Lamp


@dataclass(frozen=True, slots=True, kw_only=True)
class FireTestCoil:
    """Fire the test coil of the residual current device, for one bounded pulse.

    At once: the trip is timed. What it rests on is on the disk already.
    """

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMeter:
    """Read this meter now, before its next poll; answered by `MeterRead` or `MeterFailed`."""

    ticket: int
    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnTime:
    """The central system says that it was *wall* at monotonic second *monotonic*."""

    wall: datetime
    monotonic: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Send a request that states no recorded fact: Authorize, Heartbeat. Answered by `Settled`."""

    ticket: int
    message_id: str
    message: Request
    within_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer the central system's call with no, at once: it states no recorded fact.

    For refusals because of the disk, behind which a `Reply` would wait for ever.
    """

    call_id: int
    answer: CommandAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class HandBack:
    """Give who asked for the transfer *number* its answer; without one, *why* there is none."""

    number: int
    answer: DataTransferConf | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One row of this step's commit."""

    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Write *record* with this step's commit, or never: what fails is not tried again.

    Answered by `Stored`. For what the central system asked us to keep and is told of afterwards.
    """

    ticket: int
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """Offer this current, more than before."""

    connector: int
    limit_a: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Energise:
    """Close the contactor, unless the newest state forbids it by now."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rearm:
    """Clear the reflex's latch: its causes are gone and the core knows of them."""

    connector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLock:
    """Lock the cable or let it go."""

    connector: int
    locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Send a request that states a fact. Answered by `Settled`.

    *behind* is the ticket of another: this one waits until that is confirmed, lets others pass
    meanwhile, and is withheld when it is not.
    """

    ticket: int
    message_id: str
    message: Request
    within_s: float
    behind: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answer the central system's call; `None` where the standard demands silence (4.2)."""

    call_id: int
    answer: CommandAnswer | CallError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOutbox:
    """Read up to *limit* waiting messages after *after_seq*; answered by `OutboxRead`."""

    ticket: int
    after_seq: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """Drop the WebSocket and open it anew: the peer accepts frames but answers none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseAccess:
    """Dial with these in turn from now on; with *reconnect* at once, after what was replied."""

    attempts: tuple[Access, ...]
    reconnect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UsePings:
    """Ask the far end of the line for a sign of life this often from now on, 0 = never."""

    interval_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetBackOff:
    """The central system serves us: the next outage begins with the shortest wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRoots:
    """Check the central system by these roots too, from the next dial on."""

    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """End the process (`hard`: reboot the computer where the installation allows it)."""

    hard: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Download the firmware at *location*, going on where an attempt broke off.

    Like those below it takes long and is answered by `JobFinished`.
    """

    ticket: int
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Gather the log from *oldest* to *latest* and bring it to the directory *location*."""

    ticket: int
    location: str
    file_name: str
    log_type: LogType
    oldest: datetime | None = None
    latest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """Install the firmware that was fetched, or see the installation through that was begun.

    Before it begins, a sealed one is verified once more.
    """

    ticket: int
    seal: Seal | None = None
    roots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyImage:
    """Check *seal* on the firmware that was fetched, whose signer one of *roots* vouches for."""

    ticket: int
    seal: Seal
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandon:
    """Nobody waits for *ticket*'s job any more: stop it."""

    ticket: int


Effect = (
    Cut
    | Reduce
    | SwitchPhases
    | Show
    | FireTestCoil
    | ReadMeter
    | LearnTime
    | Ask
    | Refuse
    | HandBack
    | Write
    | Store
    | Raise
    | Energise
    | Rearm
    | SetLock
    | Send
    | Reply
    | ReadOutbox
    | Reconnect
    | UseAccess
    | UsePings
    | ResetBackOff
    | UseRoots
    | X509Question
    | Restart
    | Fetch
    | Upload
    | Install
    | VerifyImage
    | Abandon
)

BEATS: Final[dict[type, Beat]] = {
    Cut: Beat.CUT,
    Reduce: Beat.CUT,
    SwitchPhases: Beat.SHOW,
    Show: Beat.SHOW,
    FireTestCoil: Beat.SHOW,
    ReadMeter: Beat.SHOW,
    LearnTime: Beat.SHOW,
    Ask: Beat.SHOW,
    Refuse: Beat.SHOW,
    HandBack: Beat.SHOW,
    Reconnect: Beat.SHOW,
    ResetBackOff: Beat.SHOW,
    InspectRoot: Beat.SHOW,
    CheckChain: Beat.SHOW,
    MakeSigningRequest: Beat.SHOW,
    Write: Beat.RECORD,
    Store: Beat.RECORD,
    Raise: Beat.ENERGISE,
    Energise: Beat.ENERGISE,
    Rearm: Beat.ENERGISE,
    Send: Beat.TELL,
    Reply: Beat.TELL,
    ReadOutbox: Beat.TELL,
    SetLock: Beat.TELL,
    UseAccess: Beat.TELL,
    UsePings: Beat.TELL,
    UseRoots: Beat.TELL,
    Restart: Beat.TELL,
    Fetch: Beat.TELL,
    Upload: Beat.TELL,
    Install: Beat.TELL,
    VerifyImage: Beat.TELL,
    Abandon: Beat.TELL,
}
"""The beat of every effect; a test holds it complete."""

"""What a driver offers the runtime. Small protocols; no driver knows another, or the core's rules.

A driver with a life of its own has `run(post)`: it works until cancelled, posts events, and raises
a `DriverError` when its device fails; the supervisor tells the core and runs it again with
back-off. `post` may be called from the event loop only; drivers with threads marshal into it
themselves. All other methods are synchronous and return at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from edge.core.access import Access
from edge.core.commands import CommandAnswer
from edge.core.effects import Lamp
from edge.core.events import Event
from edge.core.instant import Instant
from edge.core.messages import CallError, Request
from edge.core.records import Queued, Record
from edge.core.saved import Saved
from edge.core.setup import EvseTraits
from edge.core.vocabulary import LogType
from edge.core.work import Seal
from edge.core.x509 import X509Answer, X509Question

Post = Callable[[Event], None]
Progress = Callable[[int], None]


class Board(Protocol):
    """Where people see the status document."""

    @property
    def is_watched(self) -> bool:
        """Whether anybody looks."""
        ...

    @property
    def is_awaited(self) -> bool:
        """Whether somebody has come and sees nothing yet."""
        ...

    def show(self, document: Mapping[str, Any]) -> None:
        """Put *document* up; returns at once, and the newest is enough."""
        ...


class Clock(Protocol):
    """Wall and monotonic time."""

    def now(self) -> Instant:
        """The present moment."""
        ...

    def learn(self, wall_at: Instant) -> None:
        """Take *wall_at.wall* for the wall time at *wall_at.monotonic*, unless NTP knows better."""
        ...


class CardReader(Protocol):
    """One reader; posts `TagPresented` once per card laid on it."""

    async def run(self, post: Post) -> None:
        """Poll until cancelled; raises `ReaderSilent`."""
        ...


class EnergyMeter(Protocol):
    """One meter; posts `MeterRead` about once a second by itself."""

    @property
    def refresh_s(self) -> float:
        """How long the meter may show an old register after a change of the load."""
        ...

    async def run(self, post: Post) -> None:
        """Poll until cancelled; raises `MeterSilent` after several failures in a row."""
        ...

    def request(self, ticket: int) -> None:
        """Read now, ahead of polling; `MeterRead` or `MeterFailed` with *ticket* follows."""
        ...


class Thermometer(Protocol):
    """A sensor beside a contactor; posts `TemperatureRead` every few seconds."""

    async def run(self, post: Post) -> None:
        """Look until cancelled; raises `SensorSilent`."""
        ...


class Power(Protocol):
    """The dangerous half of a charging point: offer, contactor, reflex."""

    @property
    def traits(self) -> EvseTraits:
        """What the hardware can know and do."""
        ...

    async def run(self, post: Post) -> None:
        """Watch the inputs, post `EvseSeen` at once and on every change."""
        ...

    def cut(self) -> None:
        """Open the contactor; from any thread, waits for nothing, never fails silently."""
        ...

    def offer(self, limit_a: float) -> None:
        """Signal this current to the car; 0 withdraws the offer."""
        ...

    def energise(self) -> None:
        """Close the contactor; refused (`EvseFailed`) while the reflex is latched."""
        ...

    def switch_phases(self, phases: int) -> None:
        """Let the phase relay give one phase or three; refused (`EvseFailed`) under load."""
        ...

    def rearm(self) -> None:
        """Clear the reflex's latch where its causes are gone."""
        ...

    def fire_test_coil(self) -> None:
        """Pulse the residual current device's test coil; `EvseFailed` where that cannot be done."""
        ...

    @property
    def proof_s(self) -> float | None:
        """How often `prove_alive` is wanted, `None`: never."""
        ...

    def prove_alive(self) -> None:
        """The control loop came round; without this for a while the contactor opens by itself."""
        ...


class Front(Protocol):
    """The harmless half: lamp and cable lock."""

    def show(self, lamp: Lamp) -> None:
        """Set the lamp."""
        ...

    def set_lock(self, locked: bool) -> None:
        """Lock the cable or let it go; `EvseSeen.locked` tells what came of it."""
        ...


class Evse(Power, Front, Protocol):
    """One charging point: one connector's contactor, pilot, inputs, lamp and lock."""


class Supply(Protocol):
    """The input that tells the mains are going, while a back-up holds the computer up."""

    async def run(self, post: Post) -> None:
        """Post `PowerFailing` and `PowerReturned`, once each time, until cancelled."""
        ...


class CentralSystem(Protocol):
    """The OCPP line. Posts `LinkUp`, `LinkDown`, `DialPostponed`, `Settled`, `CallReceived`."""

    async def run(self, post: Post) -> None:
        """Connect, serve, reconnect with back-off; bad news is posted, not raised."""
        ...

    def send(
        self,
        ticket: int,
        message_id: str,
        message: Request,
        within_s: float,
        behind: int | None = None,
    ) -> None:
        """Send, one at a time, the rest wait in a bounded queue; settles at once when offline.

        *within_s* counts from when it goes on the wire. One *behind* another's ticket goes when
        that is confirmed and nothing else waits; else it is settled as withheld.
        """
        ...

    def reply(self, call_id: int, answer: CommandAnswer | CallError | None) -> None:
        """Answer a call of the central system; `None` stays silent."""
        ...

    def reconnect(self) -> None:
        """Drop the WebSocket and dial again at once."""
        ...

    def use_access(self, attempts: Sequence[Access], *, reconnect: bool) -> None:
        """Dial with *attempts* in turn; with *reconnect*, close once replies are out, and dial."""
        ...

    def use_pings(self, interval_s: float) -> None:
        """Ping the far end this often from now on, 0 = never."""
        ...

    def reset_back_off(self) -> None:
        """Begin the next outage with the shortest wait."""
        ...

    def use_roots(self, roots: Sequence[str]) -> None:
        """Check the peer by these roots, PEM, too, from the next dial on."""
        ...


class Notary(Protocol):
    """Reads certificates that strangers wrote, and makes keys; bounded in time and memory."""

    async def answer(self, question: X509Question) -> X509Answer:
        """Answer *question*, `NotDone` where that does not succeed."""
        ...


class Journal(Protocol):
    """Durable memory."""

    async def load(self) -> Saved:
        """All that a restart needs."""
        ...

    async def commit(self, records: Sequence[Record]) -> None:
        """Write all of *records* or none, on the disk when this returns; raises `JournalFailed`."""
        ...

    async def read_outbox(self, after_seq: int, limit: int) -> tuple[Queued, ...]:
        """The oldest waiting messages after *after_seq*."""
        ...


class Transfer(Protocol):
    """Moves files between here and the addresses that the central system names.

    Bounded in size and time; refuses addresses that are not meant for us (security 3.3). Both end
    early when cancelled. *progress* is told the bytes moved so far.
    """

    async def fetch(self, location: str, target: Path, progress: Progress) -> None:
        """Download *location* to *target*, going on where an attempt broke off.

        Raises `TransferFailed`.
        """
        ...

    async def deliver(self, source: Path, location: str, name: str, progress: Progress) -> None:
        """Upload *source* as *name* into the directory *location*; raises `TransferFailed`."""
        ...


class Updater(Protocol):
    """Puts new firmware in the place of the old."""

    async def install(self, image: Path) -> None:
        """Install *image*; it runs after the next start. Raises `InstallFailed`.

        Goes on when cancelled, and when our process ends; called again, it waits for the same
        installation, or tells what came of it.
        """
        ...

    def has_begun(self, image: Path) -> bool:
        """Whether `install` was called for *image* before, by this process or an earlier one."""
        ...

    async def forget(self, image: Path) -> None:
        """Another image comes in the place of *image*: what came of that one is past.

        Raises `InstallFailed` while that is still being installed.
        """
        ...


class Verifier(Protocol):
    """Knows whether an image is what its maker signed; bounded in time and memory."""

    async def verify(self, image: Path, seal: Seal, roots: Sequence[str], at: datetime) -> None:
        """Check *seal* on *image*, and that one of *roots*, PEM, vouches for its signer at *at*.

        Raises `ImageUntrusted`, or another `DriverError` where nobody could find out.
        """
        ...


class Gatherer(Protocol):
    """Knows what can be told of this station."""

    async def gather(
        self, log_type: LogType, target: Path, oldest: datetime | None, latest: datetime | None
    ) -> None:
        """Write one file to *target*: what happened from *oldest* to *latest*, no secrets."""
        ...

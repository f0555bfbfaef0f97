"""A journal in memory: what is committed survives, what is not is gone with the power.

`fold` is the plain-Python meaning of the records; a test holds the SQLite journal to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edge.core.anchors import Anchor
from edge.core.card_roles import CardForgotten, CardKept
from edge.core.instant import Instant
from edge.core.messages import StartTransaction
from edge.core.records import (
    Alive,
    AvailabilityChanged,
    BackOffKept,
    BootStarted,
    CacheCleared,
    ConfigurationChanged,
    ContactorWorn,
    DamageAccepted,
    DamageTold,
    Delivered,
    FallbackKept,
    FaultLatched,
    FaultReleased,
    ListChanged,
    ListedTag,
    Metered,
    Parked,
    ProfileCleared,
    ProfileSet,
    Queued,
    RcdTested,
    Record,
    Refused,
    Resent,
    ReservationEnded,
    ReservationMade,
    ResetAccepted,
    TagCached,
    TagForgotten,
    Thinned,
    TransactionBound,
    TransactionDeauthorised,
    TransactionOpened,
    TransactionStopped,
    TransactionStopping,
)
from edge.core.saved import Saved, SavedTransaction
from edge.core.security_log import (
    SecurityEventForgotten,
    SecurityEventLogged,
    SecurityEventTold,
)
from edge.core.wishes import ResendAsked
from edge.core.work import JobEnded, JobMoved, JobOrdered, SavedJob
from edge.core.x509 import CredentialsKept, Root, RootDeleted, RootInstalled
from tests.world.loop import elapse

HEAD = 64


class Rows:
    """Rows as they stand after all records so far."""

    def __init__(self) -> None:
        self.transactions: dict[int, SavedTransaction] = {}
        self.outbox: dict[int, Queued] = {}
        self.seqs: dict[str, int] = {}
        self.resent: set[str] = set()
        self.dead: dict[int, Queued] = {}
        self.saved = Saved()
        self.lives: dict[int, Instant] = {}
        self.kernels: dict[int, str] = {}
        self.anchors: dict[int, Anchor] = {}
        self.last_starts: dict[int, Instant] = {}
        self.availability: dict[int, AvailabilityChanged] = {}
        self.configuration: dict[str, ConfigurationChanged] = {}
        self.cards: dict[str, CardKept] = {}
        self.cache: dict[str, TagCached] = {}
        self.faults: dict[tuple[int, str], FaultLatched] = {}
        self.wear: dict[int, ContactorWorn] = {}
        self.rcd_tests: dict[int, RcdTested] = {}
        self.profiles: dict[int, ProfileSet] = {}
        self.jobs: dict[str, SavedJob] = {}
        self.local_list: dict[str, ListedTag] = {}
        self.reservations: dict[int, ReservationMade] = {}
        self.security_log: dict[int, SecurityEventLogged] = {}
        self.roots: dict[tuple[str, str], Root] = {}

    def take(self, record: Record) -> None:
        """Take what is said of money; the rest is `_take_state`'s."""
        match record:
            case Alive():
                self._live(record.at)
            case TransactionOpened():
                self.transactions[record.ref] = SavedTransaction(opened=record)
                self.last_starts[record.connector] = record.at
                self._live(record.at)
                self.saved = replace(self.saved, last_ref=max(record.ref, self.saved.last_ref))
            case TransactionBound():
                self._of(
                    record.ref,
                    transaction_id=record.transaction_id,
                    id_tag_info=record.id_tag_info,
                )
            case TransactionDeauthorised():
                self._of(record.ref, deauthorised_wh=record.energy_wh)
            case TransactionStopping():
                self._of(record.ref, stopping=record)
                self._live(record.at)
            case TransactionStopped():
                self._of(record.ref, stopped=record)
            case Metered():
                self._of(record.ref, last_wh=record.energy_wh, last_at=record.at)
                self._live(record.at)
            case Queued():
                self.outbox[record.seq] = record
                self.seqs[record.message_id] = record.seq
                self.saved = replace(self.saved, last_seq=record.seq)
                self._live(record.at)
            case Refused() | Delivered() | Parked() | Resent() | Thinned():
                self._take_queue(record)
            case _:
                self._take_state(record)

    def _take_queue(self, record: Refused | Delivered | Parked | Resent | Thinned) -> None:
        match record:
            case Refused() if record.seq in self.outbox:  # else it was told meanwhile: no row
                queued = self.outbox[record.seq]
                again = replace(queued, attempts=record.attempts, message_id=record.message_id)
                self.outbox[record.seq] = again
                self.seqs[record.message_id] = record.seq
                if queued.message_id in self.resent:
                    self.resent.add(record.message_id)  # a letter refused anew is one still
            case Delivered():
                self.outbox.pop(record.seq, None)
            case Parked():
                self._park(record)
            case Resent():
                self._resend(record)
            case Thinned():
                self._thin(record)

    def _take_state(self, record: Record) -> None:  # noqa: C901, PLR0912  one branch per record: a table
        match record:
            case BootStarted():
                self.saved = replace(self.saved, last_boot=record, reset=None)
                self.kernels[record.boot] = record.kernel_boot
                self._live(record.at)
            case Anchor():
                self.anchors.setdefault(record.boot, record)
            case AvailabilityChanged():
                self.availability[record.connector] = record
            case ConfigurationChanged():
                self.configuration[record.key] = record
            case TagCached():
                self.cache.pop(record.id_tag, None)
                self.cache[record.id_tag] = record
            case TagForgotten():
                self.cache.pop(record.id_tag, None)
            case CacheCleared():
                self.cache.clear()
            case CardKept():
                self.cards[record.id_tag] = record
            case CardForgotten():
                self.cards.pop(record.id_tag, None)
            case ListChanged():
                self._list(record)
            case ReservationMade():
                self.reservations[record.reservation_id] = record
            case ReservationEnded():
                self.reservations.pop(record.reservation_id, None)
            case ResetAccepted():
                self.saved = replace(self.saved, reset=record)
            case FaultLatched() | FaultReleased() | ContactorWorn() | RcdTested():
                self._take_hardware(record)
            case ProfileSet():
                self.profiles[record.installed.profile.charging_profile_id] = record
            case ProfileCleared():
                self.profiles.pop(record.charging_profile_id, None)
            case JobOrdered():
                self.jobs[record.kind] = SavedJob(ordered=record)
            case JobMoved():
                self._job(record)
            case JobEnded():
                self.jobs.pop(record.kind, None)
            case DamageTold() | DamageAccepted():
                pass  # no journal in memory is ever damaged
            case _:
                self._take_security(record)

    def _take_hardware(
        self, record: FaultLatched | FaultReleased | ContactorWorn | RcdTested
    ) -> None:
        match record:
            case FaultLatched():
                self.faults[record.connector, record.latch] = record
            case FaultReleased():
                self.faults.pop((record.connector, record.latch), None)
            case ContactorWorn():
                self.wear[record.connector] = record
            case RcdTested():
                self.rcd_tests[record.connector] = record

    def _take_security(self, record: Record) -> None:
        match record:
            case SecurityEventLogged():
                self.security_log[record.seq] = record
                self.saved = replace(self.saved, last_security_seq=record.seq)
            case SecurityEventTold():
                told = self.security_log[record.seq]
                self.security_log[record.seq] = replace(told, untold=False)
            case SecurityEventForgotten():
                self.security_log.pop(record.seq, None)
            case RootInstalled():
                self.roots[record.root.use, record.root.fingerprint] = record.root
            case RootDeleted():
                self.roots.pop((record.use, record.fingerprint), None)
            case CredentialsKept():
                self.saved = replace(self.saved, credentials=record)
            case FallbackKept():
                self.saved = replace(self.saved, fallback=record)
            case BackOffKept():
                self.saved = replace(self.saved, dial_failures=record.failures)

    def _list(self, record: ListChanged) -> None:
        if record.anew:
            self.local_list.clear()
        self.local_list.update({one.id_tag: one for one in record.entries})
        for tag in record.removed:
            self.local_list.pop(tag, None)
        self.saved = replace(self.saved, list_version=record.version)

    def _live(self, at: Instant) -> None:
        known = self.lives.get(at.boot, at)
        self.lives[at.boot] = max(at, known, key=lambda one: one.monotonic)

    def _of(self, ref: int, **changes: Any) -> None:
        if ref in self.transactions:
            self.transactions[ref] = replace(self.transactions[ref], **changes)

    def _job(self, record: JobMoved) -> None:
        self.jobs[record.kind] = replace(
            self.jobs[record.kind],
            stage=record.stage,
            status=record.status,
            attempts=record.attempts,
        )

    def _park(self, record: Parked) -> None:
        if record.seq in self.outbox:
            self.dead[record.seq] = self.outbox.pop(record.seq)

    def _thin(self, record: Thinned) -> None:
        for seq in record.seqs:
            self.outbox.pop(seq, None)
        self.saved = replace(self.saved, thinned=self.saved.thinned + len(record.seqs))

    def _resend(self, record: Resent) -> None:
        again = replace(self.dead.pop(record.seq), message_id=record.message_id, attempts=0)
        self.outbox[record.seq] = again
        self.seqs[record.message_id] = record.seq
        self.resent.add(record.message_id)

    def resend_asked(self, at: Instant) -> ResendAsked:
        """Somebody wants all dead letters told again."""
        numbers = {ref: one.transaction_id for ref, one in self.transactions.items()}
        begun = {one.ref for one in self.dead.values() if isinstance(one.message, StartTransaction)}
        return ResendAsked(
            at=at,
            waiting={one.seq: one.attempts for one in self.outbox.values() if one.ref in begun},
            letters=tuple(self.dead[seq] for seq in sorted(self.dead)),
            numbers={ref: one for ref, one in numbers.items() if one is not None},
        )

    def saved_now(self) -> Saved:
        """All that a restart needs."""
        waiting = {queued.ref for queued in self.outbox.values()}
        return replace(
            self.saved,
            transactions=tuple(
                one
                for ref, one in sorted(self.transactions.items())
                if one.stopped is None or ref in waiting
            ),
            outbox=tuple(self.outbox[seq] for seq in sorted(self.outbox)[:HEAD]),
            outbox_count=len(self.outbox),
            lives=tuple(self.lives[boot] for boot in sorted(self.lives)),
            anchors=tuple(self.anchors[boot] for boot in sorted(self.anchors)),
            last_starts=dict(self.last_starts),
            availability=tuple(self.availability[key] for key in sorted(self.availability)),
            configuration=tuple(self.configuration[key] for key in sorted(self.configuration)),
            cards=tuple(self.cards[key] for key in sorted(self.cards)),
            cache=tuple(self.cache.values()),
            local_list=tuple(self.local_list[key] for key in sorted(self.local_list)),
            reservations=tuple(self.reservations[key] for key in sorted(self.reservations)),
            faults=tuple(self.faults[key] for key in sorted(self.faults)),
            wear=tuple(self.wear[key] for key in sorted(self.wear)),
            rcd_tests=tuple(self.rcd_tests[key] for key in sorted(self.rcd_tests)),
            profiles=tuple(self.profiles[key] for key in sorted(self.profiles)),
            dead_letters=len(self.dead),
            jobs=tuple(self.jobs[key] for key in sorted(self.jobs)),
            untold=tuple(one for one in self.security_log.values() if one.untold),
            roots=tuple(self.roots.values()),
        )

    def open_on(self, connector: int) -> bool:
        """Whether a transaction of *connector* is durable and not stopped (I1)."""
        return any(
            one.opened.connector == connector and one.stopped is None
            for one in self.transactions.values()
        )


def fold(records: Sequence[Record]) -> Saved:
    """All that a restart needs, from the records ever committed."""
    rows = Rows()
    for record in records:
        rows.take(record)
    return rows.saved_now()


class MemoryJournal:
    """Implements `edge.ports.Journal`; *latency_s* is how long the disk takes for a commit."""

    def __init__(self, latency_s: float = 0.0) -> None:
        self.rows = Rows()
        self.latency_s = latency_s

    async def load(self) -> Saved:
        """See `fold`."""
        return self.rows.saved_now()

    async def commit(self, records: Sequence[Record]) -> None:
        """All of *records* or, if the power goes first, none."""
        if self.latency_s:
            await elapse(self.latency_s)
        for record in records:
            self.rows.take(record)

    async def read_outbox(self, after_seq: int, limit: int) -> tuple[Queued, ...]:
        """The oldest waiting messages after *after_seq*."""
        later = sorted(seq for seq in self.rows.outbox if seq > after_seq)
        return tuple(self.rows.outbox[seq] for seq in later[:limit])

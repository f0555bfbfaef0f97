"""What a charging point commits, kind by kind, made up from what is in its journal already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Final

from edge.core.anchors import Anchor
from edge.core.card_roles import CardForgotten, CardKept, Role
from edge.core.instant import Instant
from edge.core.messages import (
    IdTagInfo,
    MeterValue,
    MeterValues,
    SampledValue,
    StartTransaction,
    StopTransaction,
    TransactionMessage,
)
from edge.core.profiles import Installed, Period, Profile, Schedule
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
    Latch,
    ListChanged,
    ListedTag,
    Metered,
    Parked,
    ProfileCleared,
    ProfileSet,
    Queued,
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
from edge.core.security_log import (
    SecurityEventForgotten,
    SecurityEventLogged,
    SecurityEventTold,
)
from edge.core.vocabulary import (
    AuthorizationStatus,
    AvailabilityType,
    CertificateUse,
    ErrorCode,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    ReadingContext,
    ResetType,
    SecurityEvent,
    StopReason,
)
from edge.core.work import JobEnded, JobKind, JobMoved, JobOrdered, Stage
from edge.core.x509 import Credential, CredentialsKept, Root, RootDeleted, RootInstalled
from tests.crash.memory import Rows

DAY: Final = datetime(2026, 3, 1, tzinfo=UTC)
ACCEPTED: Final = IdTagInfo(status=AuthorizationStatus.ACCEPTED)
LOG_LINES: Final = 12
"""How many lines of the security log these histories keep."""
PEM: Final = "-----BEGIN CERTIFICATE-----\n" + 24 * ("A" * 64 + "\n")

Batch = tuple[Record, ...]


def boot(rows: Rows, _random: Random) -> Batch:
    """A start of the process, in a kernel boot of its own, which learns the time."""
    number = 1 + max(rows.kernels, default=-1)
    at = replace(_later(rows), monotonic=1.0, boot=number)
    return (
        BootStarted(kernel_boot=f"kernel-{number}", at=at, boot=number),
        Anchor(boot=number, zero=at.wall),
    )


def open_session(rows: Rows, random: Random) -> Batch:
    """Authorised: before the contactor closes."""
    at, ref = _later(rows), rows.saved.last_ref + 1
    begin_wh = random.randrange(10**6)
    connector = 1 + ref % 2
    opened = TransactionOpened(ref=ref, connector=connector, id_tag="A", begin_wh=begin_wh, at=at)
    start = StartTransaction(connector_id=connector, id_tag="A", meter_start=begin_wh, timestamp=at)
    return opened, _queued(rows, ref, start, at)


def sample(rows: Rows, random: Random) -> Batch:
    """The readings of a minute, of each session that runs."""
    at = _later(rows)
    batch: list[Record] = [Alive(at=at)]
    for ref in _open(rows):
        energy_wh = random.randrange(10**6)
        message = MeterValues(connector_id=1, meter_value=(_reading(energy_wh, at),))
        queued = _queued(rows, ref, message, at, ahead=len(batch) // 2)
        batch += [Metered(ref=ref, energy_wh=energy_wh, at=at), queued]
    return tuple(batch)


def acknowledge(rows: Rows, random: Random) -> Batch:
    """The central system took the oldest message; of a start it gave the number."""
    batch: list[Record] = []
    for queued in _waiting(rows)[:1]:
        if isinstance(queued.message, StartTransaction) and queued.ref is not None:
            number = random.randrange(1, 10**6)
            batch += [
                TransactionBound(ref=queued.ref, transaction_id=number, id_tag_info=ACCEPTED),
                TransactionDeauthorised(ref=queued.ref, energy_wh=number),
            ]
        batch.append(Delivered(seq=queued.seq))
    return tuple(batch)


def refuse(rows: Rows, random: Random) -> Batch:
    """The central system refused the oldest: once more, or for good; a dead letter is resent."""
    at = _later(rows)
    again: list[Record] = [
        Resent(seq=seq, message_id=f"r-{seq}-{at.monotonic}") for seq in list(rows.dead)[:1]
    ]
    return (
        *again,
        *(
            Refused(seq=queued.seq, attempts=queued.attempts + 1, message_id=f"n-{at.monotonic}")
            if random.random() < 0.5
            else Parked(seq=queued.seq, at=at, code="InternalError", description="no")
            for queued in _waiting(rows)[:1]
        ),
    )


def thin(rows: Rows, _random: Random) -> Batch:
    """The disk runs short: every other sample that waits is let go."""
    samples = [one.seq for one in _waiting(rows) if isinstance(one.message, MeterValues)]
    return (Thinned(seqs=tuple(samples[1::2])),)


def stop_session(rows: Rows, random: Random) -> Batch:
    """The contactor is open: the end of each session, with all its readings."""
    batch: list[Record] = []
    for place, ref in enumerate(_open(rows)):
        at = _later(rows)
        values = tuple(_reading(random.randrange(10**6), at) for _ in range(20))
        stop = StopTransaction(
            transaction_id=None,
            meter_stop=random.randrange(10**6),
            timestamp=at,
            reason=StopReason.LOCAL,
            transaction_data=values,
        )
        batch += [
            TransactionStopping(ref=ref, reason=StopReason.LOCAL, at=at, id_tag="A"),
            TransactionStopped(ref=ref, end_wh=stop.meter_stop, at=at),
            _queued(rows, ref, stop, at, ahead=place),
        ]
    return tuple(batch)


def prune(rows: Rows, _random: Random) -> Batch:
    """The line is up again: a backlog was taken."""
    return tuple(Delivered(seq=queued.seq) for queued in _waiting(rows)[:64])


def log_security(rows: Rows, random: Random) -> Batch:
    """A line of the security log; the oldest makes room, another was heard of."""
    seq = rows.saved.last_security_seq + 1
    line = SecurityEventLogged(
        seq=seq,
        event=SecurityEvent.INVALID_MESSAGES,
        at=_later(rows),
        info="x" * random.randrange(200),
        untold=True,
    )
    batch: list[Record] = [line]
    untold = [one.seq for one in rows.security_log.values() if one.untold]
    batch += [SecurityEventTold(seq=one) for one in untold[:1]]
    batch += [SecurityEventForgotten(seq=one) for one in sorted(rows.security_log)[:-LOG_LINES]]
    return tuple(batch)


def certify(rows: Rows, random: Random) -> Batch:
    """A root comes, the oldest goes, the station's own is renewed."""
    name = f"{random.randrange(10**9)}"
    root = Root(
        use=CertificateUse.CENTRAL_SYSTEM_ROOT,
        pem=PEM,
        fingerprint=name,
        hashes=(),
        not_after=DAY,
    )
    own = Credential(chain=3 * PEM, key=PEM, not_before=DAY, not_after=DAY)
    gone = [RootDeleted(use=one.use, fingerprint=one.fingerprint) for one in rows.roots.values()]
    return (*gone[:-2], RootInstalled(root=root), CredentialsKept(own=own))


def work(rows: Rows, _random: Random) -> Batch:
    """An update is ordered, goes on, or ends."""
    at, kind = _later(rows), JobKind.FIRMWARE
    if kind not in rows.jobs:
        order = JobOrdered(
            kind=kind,
            location="https://example.org/firmware",
            at=at,
            retries=2,
            retry_interval_s=30,
            retrieve_date=at.wall,
        )
        return (order,)
    if rows.jobs[kind].stage is not Stage.READY:
        return (JobMoved(kind=kind, stage=Stage.READY, status="Downloaded", attempts=1),)
    return (JobEnded(kind=kind),)


def list_tags(rows: Rows, random: Random) -> Batch:
    """A local list, whole or by its differences; tags in the cache, and roles, come and go."""
    tags = [f"tag-{random.randrange(500)}" for _ in range(random.randrange(1, 60))]
    change = ListChanged(
        version=rows.saved.list_version + 1,
        anew=random.random() < 0.3,
        entries=tuple(ListedTag(id_tag=tag, info=ACCEPTED) for tag in sorted(set(tags))),
    )
    old: list[Record] = [CacheCleared()]
    if random.random() < 0.8:
        old = [TagForgotten(id_tag=tag) for tag in list(rows.cache)[:1]]
    cached = [TagCached(id_tag=tag, info=ACCEPTED, at=_later(rows)) for tag in tags[:5]]
    roles = (CardKept(id_tag=tags[0], role=Role.OWNER), CardForgotten(id_tag=tags[-1]))
    return (change, *old, *cached, *roles)


def configure(rows: Rows, random: Random) -> Batch:
    """What the central system sets, reserves and latches."""
    number = random.randrange(5)
    return (
        ConfigurationChanged(key=f"Key{number}", value="v" * random.randrange(400)),
        AvailabilityChanged(connector=number, availability=AvailabilityType.INOPERATIVE),
        ReservationMade(reservation_id=number, connector=1, id_tag="A", expiry_date=DAY),
        ReservationEnded(reservation_id=random.randrange(5)),
        FaultLatched(connector=number, code=ErrorCode.OTHER_ERROR, info=""),
        FaultReleased(connector=random.randrange(5)),
        FaultLatched(connector=number, code=ErrorCode.OTHER_ERROR, info="", latch=Latch.RCD),
        FaultReleased(connector=random.randrange(5), latch=Latch.RCD),
        ContactorWorn(connector=number, closings=random.randrange(99), hot_opens=number),
        FallbackKept(profile=number, key="k" * 16),
        BackOffKept(failures=number),
        ResetAccepted(type=ResetType.SOFT, at=_later(rows)),
        ProfileSet(installed=_installed(number)),
        ProfileCleared(charging_profile_id=random.randrange(5)),
        *(DamageTold(), DamageAccepted()),
    )


KINDS: Final[dict[str, Callable[[Rows, Random], Batch]]] = {
    "boot": boot,
    "open": open_session,
    "sample": sample,
    "acknowledge": acknowledge,
    "refuse": refuse,
    "thin": thin,
    "stop": stop_session,
    "prune": prune,
    "security": log_security,
    "certificates": certify,
    "job": work,
    "list": list_tags,
    "settings": configure,
}


def _later(rows: Rows) -> Instant:
    """A minute after the last sign of life."""
    first = Instant(wall=DAY, monotonic=1.0)
    last = max(rows.lives.values(), key=lambda life: life.order, default=first)
    return last.later(60)


def _installed(number: int) -> Installed:
    period = Period(start_period=0, limit=16.0)
    profile = Profile(
        charging_profile_id=number,
        stack_level=0,
        charging_profile_purpose=ProfilePurpose.TX_DEFAULT,
        charging_profile_kind=ProfileKind.RELATIVE,
        charging_schedule=Schedule(
            charging_rate_unit=RateUnit.A, charging_schedule_period=10 * (period,)
        ),
    )
    return Installed(profile=profile, connector=1, since=DAY)


def _open(rows: Rows) -> Sequence[int]:
    return [ref for ref, one in rows.transactions.items() if one.stopped is None][:4]


def _waiting(rows: Rows) -> Sequence[Queued]:
    return [rows.outbox[seq] for seq in sorted(rows.outbox)]


def _queued(
    rows: Rows, ref: int, message: TransactionMessage, at: Instant, *, ahead: int = 0
) -> Queued:
    seq = rows.saved.last_seq + 1 + ahead
    return Queued(seq=seq, ref=ref, message_id=f"m-{seq}", message=message, at=at)


def _reading(energy_wh: int, at: Instant) -> MeterValue:
    """A reading as it is reported, in seven quantities."""
    values = tuple(
        SampledValue(value=str(energy_wh), context=ReadingContext.SAMPLE_PERIODIC, unit="Wh")
        for _ in range(7)
    )
    return MeterValue(timestamp=at, sampled_value=values)

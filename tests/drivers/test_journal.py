"""The journal keeps what it said it kept, all of a step or nothing of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from edge.core.instant import Instant
from edge.core.key_kinds import MOST_SENT
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
    BootStarted,
    CacheCleared,
    ConfigurationChanged,
    Delivered,
    FaultLatched,
    FaultReleased,
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
from edge.core.saved import Saved
from edge.core.vocabulary import (
    AuthorizationStatus,
    AvailabilityType,
    ErrorCode,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    ReadingContext,
    ResetType,
    StopReason,
)
from edge.drivers.journal import open_journal
from edge.drivers.journal.statements import STATEMENTS
from edge.errors import JournalFailed

START = Instant(wall=datetime(2026, 1, 1, 10, 0, 0, 123456, tzinfo=UTC), monotonic=12.25)
ACCEPTED = IdTagInfo(
    status=AuthorizationStatus.ACCEPTED,
    expiry_date=datetime(2027, 1, 1, tzinfo=UTC),
    parent_id_tag="FAMILY",
)


def at(seconds: float) -> Instant:
    return START.later(seconds)


def opened(ref: int = 1) -> TransactionOpened:
    return TransactionOpened(
        ref=ref,
        connector=2,
        id_tag="04A2B1C3D4E580",
        begin_wh=1000,
        at=at(1),
        parent_id_tag="FAMILY",
        reservation_id=9,
        meter_serial="12345678",
    )


def start_message() -> StartTransaction:
    return StartTransaction(
        connector_id=2, id_tag="04A2B1C3D4E580", meter_start=1000, timestamp=at(1)
    )


def samples() -> MeterValues:
    value = SampledValue(value="1100", context=ReadingContext.SAMPLE_PERIODIC, unit="Wh")
    return MeterValues(
        connector_id=2,
        meter_value=(MeterValue(timestamp=at(60), sampled_value=(value,)),),
    )


def stop_message() -> StopTransaction:
    return StopTransaction(
        transaction_id=None,
        meter_stop=1420,
        timestamp=at(99),
        reason=StopReason.REMOTE,
        id_tag="04A2B1C3D4E580",
        transaction_data=samples().meter_value,
    )


def queued(seq: int, message: TransactionMessage, ref: int | None = 1) -> Queued:
    return Queued(seq=seq, ref=ref, message_id=f"id-{seq}", message=message, at=at(seq))


async def kept(path: Path, *commits: Sequence[Record]) -> Saved:
    """Commit each group, close, open anew and read."""
    async with open_journal(path) as journal:
        for records in commits:
            await journal.commit(records)
    async with open_journal(path) as journal:
        return await journal.load()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite3"


def test_every_record_type_has_its_statements() -> None:
    """A record that the core can write and the journal cannot would be lost money."""
    assert set(STATEMENTS) == set(get_args(Record))


async def test_a_new_journal_is_empty(path: Path) -> None:
    """First start: nothing saved, all counters zero."""
    assert await kept(path) == Saved()


async def test_an_open_transaction_comes_back_whole(path: Path) -> None:
    """Ruling 4: the register, the reason and the moment survive the process."""
    stopping = TransactionStopping(
        ref=1, reason=StopReason.REMOTE, at=at(90), id_tag="04A2B1C3D4E580"
    )
    saved = await kept(
        path,
        [opened(), queued(1, start_message())],
        [TransactionBound(ref=1, transaction_id=4711, id_tag_info=ACCEPTED), Delivered(seq=1)],
        [Metered(ref=1, energy_wh=1100, at=at(60))],
        [TransactionDeauthorised(ref=1, energy_wh=1050), stopping],
    )
    (transaction,) = saved.transactions
    assert transaction.deauthorised_wh == 1050
    assert transaction.opened == opened()
    assert transaction.transaction_id == 4711
    assert transaction.id_tag_info == ACCEPTED
    assert (transaction.last_wh, transaction.last_at) == (1100, at(60))
    assert transaction.stopping == stopping
    assert transaction.stopped is None
    assert saved.lives == (at(90),)
    assert saved.last_starts == {2: at(1)}


async def test_a_stopped_transaction_stays_until_its_messages_are_delivered(path: Path) -> None:
    """Its number is needed for the messages that still wait."""
    stopped = TransactionStopped(ref=1, end_wh=1420, at=at(99), estimated=True)
    saved = await kept(path, [opened(), stopped, queued(1, stop_message())])
    assert saved.transactions[0].stopped == stopped
    saved = await kept(path, [Delivered(seq=1)])
    assert saved.transactions == ()


async def test_the_outbox_keeps_order_ids_and_contents(path: Path) -> None:
    """I3, I4: a resend is the same message with the same id, in the same place."""
    messages = [queued(1, start_message()), queued(2, samples()), queued(3, stop_message())]
    clock_aligned = queued(4, samples(), ref=None)
    saved = await kept(path, [opened(), *messages, clock_aligned])
    assert saved.outbox == (*messages, clock_aligned)
    assert saved.outbox_count == 4


async def test_only_the_head_is_loaded_and_the_rest_is_read_on_demand(path: Path) -> None:
    """The queue lives in the journal, its head in the state."""
    messages = [queued(seq, samples()) for seq in range(1, 101)]
    saved = await kept(path, [opened(), *messages])
    assert saved.outbox == tuple(messages[:64])
    assert saved.outbox_count == 100
    async with open_journal(path) as journal:
        assert await journal.read_outbox(64, 20) == tuple(messages[64:84])
        assert await journal.read_outbox(100, 20) == ()


async def test_counters_never_go_back_when_rows_leave(path: Path) -> None:
    """A reused number would make two messages or transactions one."""
    saved = await kept(
        path,
        [opened(7), TransactionStopped(ref=7, end_wh=1, at=at(2)), queued(41, samples(), ref=7)],
        [Delivered(seq=41)],
    )
    assert (saved.last_ref, saved.last_seq) == (7, 41)
    assert saved.outbox == ()


async def test_a_refusal_spends_an_attempt_and_gives_a_new_id(path: Path) -> None:
    """Ruling 7: a new id after CALLERROR, the contents untouched."""
    first = queued(1, start_message())
    saved = await kept(
        path, [opened(), first], [Refused(seq=1, attempts=2, message_id="id-second")]
    )
    (after,) = saved.outbox
    assert (after.attempts, after.message_id) == (2, "id-second")
    assert after.message == first.message


async def test_a_parked_start_is_a_dead_letter(path: Path) -> None:
    """I2: parked is not deleted; its dependants go out with -1."""
    saved = await kept(
        path,
        [opened(), queued(1, start_message()), queued(2, samples())],
        [Parked(seq=1, at=at(50), code="InternalError", description="no")],
    )
    assert [message.seq for message in saved.outbox] == [2]
    assert saved.dead_letters == 1
    async with open_journal(path) as journal:
        (letter,) = await journal.dead_letters()
    assert letter.queued == queued(1, start_message())
    assert (letter.parked_at, letter.code, letter.description) == (at(50), "InternalError", "no")


async def test_thinned_samples_are_gone_and_counted(path: Path) -> None:
    """I9: a seq that is no sample is none of its business."""
    saved = await kept(
        path,
        [opened(), queued(1, start_message()), *(queued(seq, samples()) for seq in (2, 3, 4))],
        [Thinned(seqs=(1, 3))],
        [Thinned(seqs=(4,))],
    )
    assert [one.seq for one in saved.outbox] == [1, 2]
    assert saved.thinned == 3


async def test_what_is_free_counts_the_file_too(path: Path) -> None:
    """Else thinning would never be seen to help."""
    async with open_journal(path) as journal:
        await journal.commit([opened(), *(queued(seq, stop_message()) for seq in range(1, 4000))])
        await journal.commit([Delivered(seq=seq) for seq in range(1, 4000)])
        disk = os.statvfs(path)
        assert await journal.free_bytes() > disk.f_bavail * disk.f_frsize + 500_000


async def test_a_dead_letter_that_is_resent_waits_in_its_old_place(path: Path) -> None:
    """Ruling 15, 3.7: whole, under a new id, as if it had never been refused."""
    first = queued(1, start_message())
    saved = await kept(
        path,
        [opened(), first, queued(2, samples())],
        [Refused(seq=1, attempts=2, message_id="id-second")],
        [Parked(seq=1, at=at(50), code="InternalError", description="no")],
        [Resent(seq=1, message_id="id-third")],
    )
    assert saved.outbox == (replace(first, message_id="id-third"), queued(2, samples()))
    assert saved.dead_letters == 0
    async with open_journal(path) as journal:
        assert await journal.dead_letters() == ()


async def test_safety_21_service_keys_and_faults_take_the_last_word(
    path: Path,
) -> None:
    """5.2, 5.3, safety 9: over a restart too."""
    out, back = AvailabilityType.INOPERATIVE, AvailabilityType.OPERATIVE
    latched = FaultLatched(connector=1, code=ErrorCode.POWER_SWITCH_FAILURE, info="welded")
    saved = await kept(
        path,
        [AvailabilityChanged(connector=1, availability=out)],
        [AvailabilityChanged(connector=1, availability=back)],
        [ConfigurationChanged(key="HeartbeatInterval", value="10")],
        [ConfigurationChanged(key="HeartbeatInterval", value="20")],
        [latched, FaultLatched(connector=2, code=ErrorCode.OTHER_ERROR, info="")],
        [FaultReleased(connector=2)],
    )
    assert saved.availability == (AvailabilityChanged(connector=1, availability=back),)
    assert saved.configuration == (ConfigurationChanged(key="HeartbeatInterval", value="20"),)
    assert saved.faults == (latched,)


def profile_set(number: int, ref: int | None = None) -> ProfileSet:
    profile = Profile(
        charging_profile_id=number,
        stack_level=1,
        charging_profile_purpose=ProfilePurpose.TX,
        charging_profile_kind=ProfileKind.ABSOLUTE,
        charging_schedule=Schedule(
            charging_rate_unit=RateUnit.W,
            charging_schedule_period=(Period(start_period=0, limit=6000.1, number_phases=3),),
            start_schedule=at(5).wall,
            min_charging_rate=8.1,
        ),
        valid_to=at(99).wall,
    )
    return ProfileSet(installed=Installed(profile=profile, connector=2, since=at(1).wall, ref=ref))


async def test_charging_profiles_come_back_whole(path: Path) -> None:
    """Errata 3.37: over a power cut; an id that comes again replaces."""
    saved = await kept(
        path,
        [profile_set(3), profile_set(1), profile_set(2)],
        [profile_set(3, ref=7), ProfileCleared(charging_profile_id=2)],
    )
    assert saved.profiles == (profile_set(1), profile_set(3, ref=7))


async def test_the_cache_comes_back_in_the_order_of_use(path: Path) -> None:
    """The tag heard of longest ago makes room first."""
    a, b, c = (TagCached(id_tag=tag, info=ACCEPTED, at=at(1)) for tag in "abc")
    again = TagCached(id_tag="a", info=ACCEPTED, at=at(9))
    saved = await kept(path, [a, b, c], [again], [TagForgotten(id_tag="b")])
    assert saved.cache == (c, again)
    assert (await kept(path, [CacheCleared()])).cache == ()


async def test_the_local_list_is_changed_by_whole_messages(path: Path) -> None:
    """5.15: a full update replaces, a differential one adds, replaces and deletes."""
    a, b, c = (ListedTag(id_tag=tag, info=ACCEPTED) for tag in "abc")
    saved = await kept(
        path,
        [ListChanged(version=1, anew=True, entries=(a,))],
        [ListChanged(version=2, anew=True, entries=(c, b))],
        [ListChanged(version=5, anew=False, entries=(a,), removed=("b", "x"))],
    )
    assert (saved.list_version, saved.local_list) == (5, (a, c))
    saved = await kept(path, [ListChanged(version=0, anew=True)])
    assert (saved.list_version, saved.local_list) == (0, ())


async def test_a_local_list_that_fails_half_way_leaves_the_old_one(path: Path) -> None:
    """One message, one commit, even at its greatest length: TC_043_3."""
    old = ListChanged(version=1, anew=True, entries=(ListedTag(id_tag="old", info=ACCEPTED),))
    many = tuple(ListedTag(id_tag=f"tag{n}", info=ACCEPTED) for n in range(MOST_SENT))
    new = ListChanged(version=2, anew=True, entries=many)
    async with open_journal(path) as journal:
        await journal.commit([old])
        await journal._database.execute("PRAGMA max_page_count = 24")
        with pytest.raises(JournalFailed):
            await journal.commit([new])
        await journal._database.execute("PRAGMA max_page_count = 100000")
        saved = await journal.load()
        assert (saved.list_version, saved.local_list) == (1, old.entries)
        await journal.commit([new])
    saved = await kept(path)
    assert (saved.list_version, len(saved.local_list)) == (2, MOST_SENT)


async def test_reservations_are_kept_until_they_end(path: Path) -> None:
    """5.13: over a restart; the same id replaces."""
    first = ReservationMade(reservation_id=5, connector=1, id_tag="A", expiry_date=at(99).wall)
    moved = ReservationMade(
        reservation_id=5, connector=2, id_tag="B", expiry_date=at(99).wall, parent_id_tag="P"
    )
    other = ReservationMade(reservation_id=4, connector=0, id_tag="C", expiry_date=at(99).wall)
    saved = await kept(path, [first], [moved, other])
    assert saved.reservations == (other, moved)
    assert (await kept(path, [ReservationEnded(reservation_id=4)])).reservations == (moved,)


async def test_a_promised_reset_is_told_to_one_start_only(path: Path) -> None:
    """Ruling 4: it explains the next start, and no start after that."""
    reset = ResetAccepted(type=ResetType.SOFT, at=at(5))
    assert (await kept(path, [reset])).reset == reset
    boot = BootStarted(at=at(9), kernel_boot="b-2")
    saved = await kept(path, [boot])
    assert saved.reset is None
    assert saved.last_boot == boot


async def test_a_start_is_no_evidence_of_life_before_it(path: Path) -> None:
    """Ruling 4: two power cuts in a row must not bill the dark hours between."""
    dawn = replace(at(9000), boot=1)
    boot = BootStarted(at=dawn, kernel_boot="b-2", boot=1)
    saved = await kept(path, [Alive(at=at(5))], [boot])
    assert saved.lives == (at(5), dawn)

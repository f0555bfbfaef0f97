"""Time without a battery-backed clock: what a boot did not know is told right once it is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edge.core import anchors, clock
from edge.core.anchors import Anchor, Clock, Dating
from edge.core.board import document
from edge.core.effects import LearnTime
from edge.core.instant import EARLIEST, Instant
from edge.core.messages import (
    BootNotification,
    MeterValue,
    MeterValues,
    StartTransaction,
    StatusNotification,
    StopTransaction,
)
from edge.core.records import BootStarted, TransactionOpened
from edge.core.restore import restore
from edge.core.saved import Saved, SavedTransaction
from edge.core.vocabulary import StopReason
from tests.core.bench import ALICE, NOON, at, of, setup
from tests.core.build import Rig, booted
from tests.core.restarts import BOOT, OPENED, START, after, interrupted

SAMPLE = MeterValues(connector_id=1, meter_value=(MeterValue(timestamp=at(0), sampled_value=()),))
GUESS = datetime(1970, 1, 1, tzinfo=UTC)
OFFLINE = {
    "AllowOfflineTxForUnknownId": "true",
    "StopTxnSampledData": "Energy.Active.Import.Register",
}


def clueless(saved: Saved | None = None, *, kernel_boot: str = "kernel-1", now: float = 100) -> Rig:
    """A process that nobody has told the time; its line is down."""
    made = setup(keys=OFFLINE, kernel_boot=kernel_boot)
    rig = Rig(made, saved=saved, now=now, trusted=False)
    rig.wall = GUESS
    rig.state = restore(saved or Saved(), made, rig.instant)
    return rig.start()


def session(rig: Rig) -> None:
    rig.plug()
    rig.tap()
    rig.wait(130)
    rig.tap()
    rig.unplug()


def tell(rig: Rig, now: datetime) -> None:
    """The line opens and the central system says that it is *now*."""
    rig.link_up()
    rig.answer(BootNotification, booted(now))
    rig.answer_all()


def stamps(rig: Rig) -> list[datetime]:
    """The times of the only transaction, in the order in which they are told."""
    (start,), (stop,) = rig.messages(StartTransaction), rig.messages(StopTransaction)
    samples = [value for one in rig.messages(MeterValues) for value in one.meter_value]
    told = [start.timestamp, *(value.timestamp for value in samples), stop.timestamp]
    told += [value.timestamp for value in stop.transaction_data]
    return [moment.wall for moment in told]


def seconds(told: list[datetime], since: datetime) -> list[float]:
    return [(moment - since).total_seconds() for moment in told]


# ── this boot ────────────────────────────────────────────────────────────────────────────────────


def test_a_session_before_the_time_is_known_is_told_with_the_right_times() -> None:
    """Delivery 2.4: Start, samples, Stop and transactionData, from the monotonic clock."""
    rig = clueless()
    began = rig.now
    session(rig)
    rig.wait(1000)
    tell(rig, NOON)
    zero = NOON - timedelta(seconds=rig.now - began)
    assert seconds(stamps(rig), zero) == [0, 60, 120, 130, 0, 60, 120, 130]


def test_the_anchor_is_written_before_anything_is_sent_by_it() -> None:
    """I4: after a restart the same bytes go out."""
    rig = clueless()
    session(rig)
    rig.link_up()
    effects = rig.answer(BootNotification, booted(NOON))
    zero = NOON - timedelta(seconds=rig.now)
    assert rig.written(Anchor) == [Anchor(boot=0, zero=zero)]
    assert any(isinstance(one, type(rig.sendings(StartTransaction)[0])) for one in effects)


def test_a_better_time_learnt_later_changes_nothing_that_waits() -> None:
    """I4: an anchor is written once."""
    rig = clueless()
    session(rig)
    rig.link_up()
    rig.answer(BootNotification, booted(NOON))
    rig.trusted, rig.wall = True, NOON + timedelta(hours=1)
    rig.link_down()
    rig.link_up()
    assert len({one.message for one in rig.sendings(StartTransaction)}) == 1
    assert len(rig.sendings(StartTransaction)) == 2
    assert len(rig.written(Anchor)) == 1


def test_a_session_across_the_moment_of_learning_is_in_order() -> None:
    """I8: it begins by guess and ends by the clock; both are told by the clock."""
    rig = clueless()
    rig.plug()
    rig.tap()
    rig.wait(70)
    began = rig.now - 70
    tell(rig, NOON)
    rig.trusted, rig.wall = True, NOON - timedelta(seconds=rig.now)
    rig.wait(60)
    rig.tap()
    rig.answer_all()
    zero = NOON - timedelta(seconds=70)
    assert began == 100
    assert seconds(stamps(rig), zero) == [0, 60, 120, 130, 0, 60, 120, 130]


def test_a_guess_is_not_followed_when_it_jumps() -> None:
    """Steps of an untrusted clock are nobody's business; the page shows steady time."""
    rig = clueless()
    first = document(rig.state, rig.instant, station_id="A", sequence=1)["connectors"][0]["since"]
    rig.wall += timedelta(days=5000)
    rig.plug()
    rig.tap()
    rig.wall -= timedelta(days=9000)
    rig.wait(5)
    later = document(rig.state, rig.instant, station_id="A", sequence=2)["connectors"][0]
    assert first == later["session"]["started_at"] == "2020-01-01T00:00:00.000Z"


def test_a_status_from_before_is_told_when_it_was() -> None:
    """Ruling 25: the timestamp is when it began."""
    rig = clueless()
    rig.plug()
    rig.wait(10)
    tell(rig, NOON)
    notice = next(one for one in rig.messages(StatusNotification) if one.connector_id == 1)
    assert notice.timestamp == NOON - timedelta(seconds=10)


def test_a_central_system_without_a_clock_does_not_hold_the_queue_up() -> None:
    """I2: what nobody knows is told as guessed, marked, and the same for ever."""
    rig = clueless()
    session(rig)
    rig.link_up()
    rig.answer(BootNotification, booted(GUESS))
    assert rig.written(Anchor) == [Anchor(boot=0, zero=rig.state.station.clock.zero, certain=False)]
    assert rig.messages(StartTransaction)[0].timestamp.wall == EARLIEST
    start = rig.journal[0].message
    assert isinstance(start, StartTransaction)
    assert anchors.dating(rig.state.station.clock, start) is Dating.UNCERTAIN


def test_the_drivers_clock_learns_too() -> None:
    """It decides by itself whether NTP knows better."""
    rig = clueless()
    rig.link_up()
    effects = rig.answer(BootNotification, booted(NOON))
    assert of(LearnTime, effects) == [LearnTime(wall=NOON, monotonic=rig.now)]


# ── a restart in the same boot ───────────────────────────────────────────────────────────────────


def test_a_restart_in_the_same_boot_goes_on_counting() -> None:
    """The kernel's monotonic clock is the same; so is the guess."""
    boot = BootStarted(at=at(10, trusted=False), kernel_boot="kernel-1", boot=3)
    life = replace(boot.at, boot=3)
    saved = Saved(last_boot=boot, lives=(life,))
    state = clueless(saved, now=70).state
    assert state.station.clock.boot == 3
    assert state.station.clock.zero == NOON
    assert not state.station.clock.trusted


def test_a_restart_after_the_time_was_learnt_still_knows_it() -> None:
    """The anchor is in the journal."""
    boot = BootStarted(at=at(10), kernel_boot="kernel-1", boot=3)
    saved = Saved(last_boot=boot, anchors=(Anchor(boot=3, zero=NOON),))
    rig = clueless(saved, now=70)
    rig.plug()
    rig.tap()
    (opened,) = rig.written(TransactionOpened)
    assert opened.at == Instant(wall=NOON + timedelta(seconds=70), monotonic=70, boot=3)
    assert rig.written(Anchor) == []


# ── an earlier boot ──────────────────────────────────────────────────────────────────────────────


def unlearnt() -> Saved:
    """A session that began in boot 0 and was cut there; the time was never known."""
    began = at(10, wall=EARLIEST, trusted=False)
    opened = replace(OPENED, at=began)
    message = StartTransaction(connector_id=1, id_tag=ALICE, meter_start=1000, timestamp=began)
    return Saved(
        transactions=(SavedTransaction(opened=opened, last_wh=1400, last_at=began.later(60)),),
        outbox=(replace(START, message=message, at=began),),
        outbox_count=1,
        last_seq=1,
        last_ref=7,
        last_boot=BOOT,
        lives=(began.later(65),),
        last_starts={1: began},
    )


def test_an_earlier_boot_that_never_knew_is_told_by_its_lower_bound() -> None:
    """Delivery 2.4: last evidence of life before it, plus what passed; marked, never discarded."""
    rig = clueless(unlearnt(), kernel_boot="kernel-2", now=5)
    tell(rig, NOON)
    start, stop = rig.messages(StartTransaction)[0], rig.messages(StopTransaction)[0]
    assert start.timestamp.wall == EARLIEST + timedelta(seconds=10)
    assert stop.timestamp.wall == EARLIEST + timedelta(seconds=75)
    assert [one.certain for one in rig.written(Anchor)] == [True, False]


def test_an_earlier_boot_is_never_told_beyond_the_next_one() -> None:
    """Delivery 2.4: a guess that lies in the future is moved back, seconds between kept."""
    saved = unlearnt()
    rig = clueless(saved, kernel_boot="kernel-2", now=5)
    told = EARLIEST + timedelta(days=1)
    ahead = replace(saved.lives[0], wall=told + timedelta(days=9))
    rig = clueless(replace(saved, lives=(ahead,)), kernel_boot="kernel-2", now=5)
    tell(rig, told)
    start, stop = rig.messages(StartTransaction)[0], rig.messages(StopTransaction)[0]
    assert stop.timestamp.wall == told - timedelta(seconds=5)
    assert (stop.timestamp.wall - start.timestamp.wall).total_seconds() == 65


def test_two_power_cuts_in_a_row_bill_no_dark_hours() -> None:
    """Ruling 4: a process that ended before it could close the session lived in another boot."""
    saved = interrupted(boot=BootStarted(at=at(3), kernel_boot="kernel-2", boot=1))
    dawn = replace(at(9000), boot=1)
    rig = after(replace(saved, lives=(*saved.lives, dawn)), now=9010, kernel_boot="kernel-2")
    stop = rig.messages(StopTransaction)[0]
    assert (str(stop.reason), stop.timestamp) == ("PowerLoss", at(90))


def test_the_clock_never_goes_back_over_a_power_cut() -> None:
    """Delivery 2.4: never earlier than the last durable evidence of life (fake-hwclock)."""
    rig = clueless(interrupted(), kernel_boot="kernel-2", now=5)
    assert anchors.read(rig.state.station.clock, rig.instant).wall == at(90).wall


def test_a_central_system_whose_clock_is_behind_puts_nothing_before_the_past() -> None:
    """7(d): what this boot did without the time still comes after what earlier ones told."""
    rig = clueless(interrupted(), kernel_boot="kernel-2", now=5)
    rig.unplug()
    rig.wait(10)
    session(rig)
    tell(rig, NOON - timedelta(days=1))
    told = [one.timestamp.wall for one in rig.messages(StartTransaction)]
    assert told[-1] > at(90).wall


def test_three_boots_without_the_time_stay_in_their_order() -> None:
    """I3: each ends before the next begins."""
    ends = tuple(
        Instant(wall=NOON + timedelta(days=9), monotonic=50.0, trusted=False, boot=boot)
        for boot in (1, 2, 3)
    )
    now = Clock(boot=4, floor=NOON, loose=ends)
    found = anchors.anchors_for(now, NOON, certain=True)
    assert [(one.boot, (one.zero - NOON).total_seconds()) for one in found] == [
        (4, 150.0),
        (3, 100.0),
        (2, 50.0),
        (1, 0.0),
    ]


def test_the_journal_says_how_well_a_time_is_known() -> None:
    """Delivery 2.4: marked locally."""
    now = Clock(
        boot=2,
        anchors={0: Anchor(boot=0, zero=NOON), 1: Anchor(boot=1, zero=NOON, certain=False)},
    )

    def word(*moments: Instant) -> Dating:
        values = tuple(replace(SAMPLE.meter_value[0], timestamp=moment) for moment in moments)
        return anchors.dating(now, replace(SAMPLE, meter_value=values))

    loose = at(1, trusted=False)
    assert word(at(1), loose) is Dating.KNOWN
    assert word(loose, replace(loose, boot=1)) is Dating.UNCERTAIN
    assert word(replace(loose, boot=1), replace(loose, boot=2)) is Dating.AWAITED


@pytest.mark.parametrize("index", [0, 1, 2])
def test_every_time_of_a_stop_counts(index: int) -> None:
    """Its own, and those of its transactionData."""
    moments = [at(1), at(2), at(3)]
    moments[index] = replace(moments[index], trusted=False)
    values = tuple(MeterValue(timestamp=moment, sampled_value=()) for moment in moments[1:])
    stop = StopTransaction(
        transaction_id=None,
        meter_stop=1,
        timestamp=moments[0],
        reason=StopReason.LOCAL,
        transaction_data=values,
    )
    assert anchors.dating(Clock(), stop) is Dating.AWAITED


def test_nothing_saved_begins_with_the_computers_own_guess() -> None:
    """It may be late, but it is all there is."""
    made = clock.begun(Saved(), "kernel-1", at(100, trusted=False))
    assert anchors.read(made, at(101, trusted=False)).wall == at(101).wall


def seen(monotonic: float, boot: int) -> Instant:
    return replace(at(monotonic, trusted=False), boot=boot)


@pytest.mark.parametrize(
    ("clock", "latest_s"),
    [
        (Clock(boot=3, zero=NOON), None),
        (Clock(boot=3, zero=NOON + timedelta(days=1), trusted=True), 86_400 - 7 - 100 + 40),
        (
            Clock(
                boot=3,
                anchors={
                    1: Anchor(boot=1, zero=NOON, certain=False),
                    2: Anchor(boot=2, zero=NOON + timedelta(hours=1)),
                },
            ),
            3600 - 100 + 40,
        ),
    ],
    ids=["nobody knows yet", "known two boots later", "known one boot later"],
)
def test_a_boot_that_never_knew_lies_before_the_next_that_did(
    clock: Clock, latest_s: float | None
) -> None:
    """Delivery 2.4: from its guess to the next known beginning, less what it lived itself."""
    lives = {1: seen(100, 1), 2: seen(7, 2), 3: seen(5, 3)}
    latest = None if latest_s is None else NOON + timedelta(seconds=latest_s)
    assert anchors.bounds(clock, lives, seen(40, 1)) == (NOON + timedelta(seconds=40), latest)


def test_what_is_known_has_no_bounds_but_itself() -> None:
    """And a boot of whose end nothing was written has no later one that could be known."""
    assert anchors.bounds(Clock(), {}, at(3)) == (at(3).wall, at(3).wall)
    assert anchors.bounds(Clock(boot=2, trusted=True), {}, seen(3, 1)) == (at(3).wall, None)

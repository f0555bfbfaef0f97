"""This process began, its memory, its clock: what the security log hears of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from edge.core.effects import Ask, Send
from edge.core.events import JournalHealed, JournalLost
from edge.core.health import CLOCK_MOVED_S, MOST_MOVES
from edge.core.messages import StatusNotification
from edge.core.records import BootStarted, DamageAccepted, DamageTold, ResetAccepted
from edge.core.saved import Damage, Saved
from edge.core.security_log import SecurityEventLogged
from edge.core.setup import AfterDamage, Keeping
from edge.core.vocabulary import ConnectorStatus, ErrorCode, ResetType, SecurityEvent
from edge.core.wishes import DamageAcknowledged
from edge.core.work import JobKind, JobOrdered, SavedJob, Stage
from tests.core.bench import IDENTITY, NOON, at, of, setup
from tests.core.build import Rig

DAMAGE = Damage(aside="journal.sqlite3.damaged-1", rows=42, broken=("outbox",))
BEFORE = BootStarted(at=at(0), kernel_boot="kernel-0")


def lines(rig: Rig) -> list[tuple[str, str | None]]:
    """The security log of this process, without times."""
    return [(str(one.event), one.info) for one in rig.written(SecurityEventLogged)]


def test_every_process_starts_with_a_line() -> None:
    """Whitepaper 8, StartupOfTheDevice: with the firmware that starts, if that has a name."""
    named = replace(setup(), identity=replace(IDENTITY, firmware_version="2.1"))
    assert lines(Rig(named).start()) == [("StartupOfTheDevice", "firmware 2.1")]
    assert lines(Rig().start()) == [("StartupOfTheDevice", None)]


@pytest.mark.parametrize(
    ("saved", "is_told"),
    [
        (Saved(last_boot=BEFORE), True),
        (Saved(last_boot=replace(BEFORE, kernel_boot="kernel-1")), False),
        (Saved(last_boot=BEFORE, reset=ResetAccepted(type=ResetType.HARD, at=at(1))), False),
        (Saved(), False),
    ],
    ids=["power cut", "restart of the process", "as told", "very first start"],
)
def test_a_computer_that_went_down_by_itself_is_a_reboot(saved: Saved, *, is_told: bool) -> None:
    """Whitepaper 8, ResetOrReboot: one that was asked for has its line since it was accepted."""
    told = [event for event, _ in lines(Rig(saved=saved).start())]
    assert told == ["StartupOfTheDevice", *(["ResetOrReboot"] if is_told else [])]


def test_a_journal_that_replaces_a_damaged_one_begins_by_saying_so() -> None:
    """Whitepaper 8, SecurityLogWasCleared: nobody can vouch for the log that was in it."""
    rig = Rig(saved=Saved(damage=DAMAGE)).start()
    assert [event for event, _ in lines(rig)] == ["SecurityLogWasCleared", "StartupOfTheDevice"]
    assert lines(rig)[0][1] == "the journal was damaged; 42 rows came over, not whole: outbox"
    assert rig.written(DamageTold)
    whole = replace(DAMAGE, broken=())
    said = lines(Rig(saved=Saved(damage=whole)).start())[0][1]
    assert said == "the journal was damaged; 42 rows came over, all tables are whole"


def test_a_damage_is_told_once_and_shown_until_somebody_accepts_it() -> None:
    """Issue 4: the second process is silent, and the third knows of nothing."""
    rig = Rig(saved=Saved(damage=replace(DAMAGE, told=True))).start()
    assert [event for event, _ in lines(rig)] == ["StartupOfTheDevice"]
    for _ in range(2):
        rig.step(DamageAcknowledged(at=rig.instant))
    assert rig.state.station.damage is None
    assert len(rig.written(DamageAccepted)) == 1


def test_after_a_damage_charging_policy_decides() -> None:
    """`[journal] after_damage`: refuse is Faulted and no session, until somebody accepts."""
    saved = Saved(damage=DAMAGE)
    rig = Rig(saved=saved).online().charging()
    assert rig.told()[-1] != ConnectorStatus.FAULTED
    careful = replace(setup(), keeping=Keeping(after_damage=AfterDamage.REFUSE))
    rig = Rig(careful, saved=saved, serve=True).start()
    rig.link_up()
    assert rig.told()[-1] is ConnectorStatus.FAULTED
    rig.plug()
    rig.tap()
    assert rig.bay().transaction is None
    rig.step(DamageAcknowledged(at=rig.instant))
    rig.unplug()
    assert rig.told()[-1] is ConnectorStatus.AVAILABLE


@pytest.mark.parametrize(
    ("kind", "info"),
    [
        ("full", "journal: disk is full"),
        ("read_only", "journal: disk is read-only"),
        ("io", "journal: disk does not work"),
        ("corrupt", "journal: file is damaged"),
        ("other", "journal: no writing"),
    ],
)
def test_a_disk_that_takes_nothing_is_a_fault_at_once_and_past_the_disk(
    kind: str, info: str
) -> None:
    """Durability 1.3: told though nothing can be written; a session that runs goes on."""
    rig = Rig(setup(connectors=2), serve=True).online().charging(1)
    rig.step(JournalLost(at=rig.instant, kind=kind))
    (asked,) = [one for one in of(Ask, rig.last) if isinstance(one.message, StatusNotification)]
    message = asked.message
    assert isinstance(message, StatusNotification)
    assert (message.connector_id, message.status) == (2, ConnectorStatus.FAULTED)
    assert (message.error_code, message.info) == (ErrorCode.INTERNAL_ERROR, info)
    assert rig.bay(1).transaction is not None
    rig.step(JournalHealed(at=rig.instant))
    (sent,) = [one for one in of(Send, rig.last) if isinstance(one.message, StatusNotification)]
    assert isinstance(sent.message, StatusNotification)
    assert (sent.message.connector_id, sent.message.status) == (2, ConnectorStatus.AVAILABLE)


@pytest.mark.parametrize(("kind", "is_told"), [("full", True), ("read_only", False)])
def test_a_full_disk_is_memory_exhaustion(kind: str, *, is_told: bool) -> None:
    """Whitepaper 8, MemoryExhaustion: written as soon as something can be."""
    rig = Rig().online()
    rig.step(JournalLost(at=rig.instant, kind=kind))
    rig.step(JournalHealed(at=rig.instant))
    told = [event for event, _ in lines(rig)]
    assert told == (["MemoryExhaustion"] if is_told else [])


@pytest.mark.parametrize("moved", [timedelta(days=3), -timedelta(seconds=CLOCK_MOVED_S)])
def test_a_clock_that_is_set_is_a_line_with_both_times(moved: timedelta) -> None:
    """Whitepaper 8, SettingSystemTime: from and to; once, not again and again."""
    rig = Rig().online()
    rig.wall = NOON + moved
    rig.meter()
    rig.wait(10)
    rig.meter()
    [(event, info)] = lines(rig)
    assert event == SecurityEvent.SETTING_SYSTEM_TIME
    became = (NOON + moved + timedelta(seconds=100)).isoformat(timespec="milliseconds")
    assert info == f"from 2026-03-01T12:01:40.000Z to {became.replace('+00:00', 'Z')}"


def test_small_steps_of_the_clock_are_none_until_they_add_up() -> None:
    """A slow line and leap seconds are no attack; creeping away by small steps is seen."""
    rig = Rig().online()
    for step in range(3):
        assert lines(rig) == []
        rig.wall = NOON + timedelta(seconds=0.4 * CLOCK_MOVED_S * (step + 1))
        rig.meter()
    assert [event for event, _ in lines(rig)] == ["SettingSystemTime"]


def test_a_clock_that_stands_still_does_not_flood_the_log() -> None:
    """The card wears and the log rolls: a few lines an hour tell of any clock."""
    rig = Rig().online()
    for second in range(2 * 3600):
        rig.wall = NOON - timedelta(seconds=second)
        rig.now += 1.0
        rig.meter()
    assert MOST_MOVES < len(lines(rig)) <= 2 * MOST_MOVES
    assert {event for event, _ in lines(rig)} == {"SettingSystemTime"}


def test_real_steps_of_the_clock_have_a_line_each() -> None:
    """Whitepaper 8: NTP after the central system, within minutes, is two."""
    rig = Rig().online()
    for number in range(1, MOST_MOVES + 1):
        rig.wall = NOON + number * timedelta(days=1)
        rig.meter()
        assert len(lines(rig)) == number


@pytest.mark.parametrize(
    ("stage", "before", "now", "line"),
    [
        (Stage.REBOOTING, None, None, ("FirmwareUpdated", None)),
        (Stage.INSTALLING, "1.0", "2.0", ("FirmwareUpdated", "from 1.0 to 2.0")),
        (Stage.INSTALLING, "1.0", "1.0", None),
    ],
    ids=["rehearsed", "by the installer", "cut off"],
)
def test_new_firmware_is_a_line_of_its_own(
    stage: Stage, before: str | None, now: str | None, line: tuple[str, str | None] | None
) -> None:
    """Whitepaper 8, FirmwareUpdated: by the process that runs it, where Installed is told."""
    ordered = JobOrdered(
        kind=JobKind.FIRMWARE,
        location="https://example.org/firmware.bin",
        at=at(1),
        retries=0,
        retry_interval_s=30,
        firmware_version=before,
    )
    saved = Saved(jobs=(SavedJob(ordered=ordered, stage=stage),))
    made = replace(setup(), identity=replace(IDENTITY, firmware_version=now))
    told = lines(Rig(made, saved=saved).start())
    assert told[1:] == ([] if line is None else [line])

"""This process began, its memory, its clock: what the security log hears of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from edge.core.events import JournalHealed, JournalLost
from edge.core.health import CLOCK_MOVED_S, MOST_MOVES
from edge.core.records import BootStarted, ResetAccepted, Saved
from edge.core.security_log import SecurityEventLogged
from edge.core.vocabulary import ResetType, SecurityEvent
from edge.core.work import JobKind, JobOrdered, SavedJob, Stage
from tests.core.bench import IDENTITY, NOON, at, setup
from tests.core.build import Rig

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


def test_a_log_that_was_lost_with_its_journal_begins_by_saying_so() -> None:
    """Whitepaper 8, SecurityLogWasCleared: rolling is not clearing, losing all of it is."""
    told = [event for event, _ in lines(Rig(saved=Saved(log_was_cleared=True)).start())]
    assert told == ["SecurityLogWasCleared", "StartupOfTheDevice"]


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

"""The wall clock is trusted when somebody vouches for it, and is never set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.core.instant import Instant
from edge.drivers.system_clock import SystemClock, kernel_boot_id, new_nonce, ntp_holds


def clock(*, ntp: bool) -> SystemClock:
    return SystemClock(ntp=lambda: ntp)


def off_by(instant: Instant, wall: datetime) -> float:
    return abs((instant.wall - wall).total_seconds())


def test_without_ntp_the_wall_clock_is_not_trusted() -> None:
    """A Pi without battery wakes up at its last shutdown."""
    assert clock(ntp=False).now().trusted is False


def test_with_ntp_it_is() -> None:
    """The kernel says so."""
    assert clock(ntp=True).now().trusted is True


def test_what_is_told_is_learnt_for_the_moment_it_was_told_at() -> None:
    """BootNotification's answer took two seconds; its time is two seconds old."""
    unsure = clock(ntp=False)
    then = unsure.now()
    told = then.wall + timedelta(days=30)
    unsure.learn(Instant(wall=told, monotonic=then.monotonic - 2))
    after = unsure.now()
    assert after.trusted
    assert off_by(after, told + timedelta(seconds=2)) < 0.5


def test_ntp_knows_better_than_the_central_system() -> None:
    """No jump back while NTP holds."""
    sure = clock(ntp=True)
    now = sure.now()
    sure.learn(Instant(wall=now.wall - timedelta(hours=1), monotonic=now.monotonic))
    assert off_by(sure.now(), now.wall) < 0.5


@pytest.mark.parametrize("year", [1, 1970, 2100, 9999])
def test_a_time_that_cannot_be_is_refused(year: int) -> None:
    """A central system with a broken clock may not end the process by running off the calendar."""
    unsure = clock(ntp=False)
    before = unsure.now()
    told = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    unsure.learn(Instant(wall=told, monotonic=before.monotonic - 2))
    after = unsure.now()
    assert off_by(after, before.wall) < 0.5
    assert after.trusted is False


def test_small_corrections_are_noise() -> None:
    """A heartbeat's way over the network must not make timestamps jitter."""
    unsure = clock(ntp=False)
    start = unsure.now()
    unsure.learn(Instant(wall=start.wall + timedelta(hours=1), monotonic=start.monotonic))
    learnt = unsure.now()
    unsure.learn(Instant(wall=learnt.wall - timedelta(seconds=0.4), monotonic=learnt.monotonic))
    after = unsure.now()
    assert off_by(after, learnt.wall + timedelta(seconds=after.since(learnt))) < 0.05


def test_what_was_told_is_not_moved_by_the_systems_clock() -> None:
    """Somebody sets it, rightly or wrongly: the monotonic clock counts on."""
    system = [datetime(2026, 3, 1, tzinfo=UTC)]
    unsure = SystemClock(ntp=lambda: False, system_wall=lambda: system[0])
    told = datetime(2026, 6, 1, tzinfo=UTC)
    unsure.learn(Instant(wall=told, monotonic=unsure.now().monotonic))
    system[0] += timedelta(days=92)
    assert off_by(unsure.now(), told) < 0.5


def test_ntp_takes_over_from_what_was_told() -> None:
    """It sets the system's clock: a correction that was right before would count twice."""
    system, holds = [datetime(2026, 3, 1, tzinfo=UTC)], [False]
    unsure = SystemClock(ntp=lambda: holds[0], system_wall=lambda: system[0])
    told = datetime(2026, 6, 1, tzinfo=UTC)
    unsure.learn(Instant(wall=told, monotonic=unsure.now().monotonic))
    system[0], holds[0] = told, True
    unsure._ask_ntp_at = 0.0
    now = unsure.now()
    assert now.trusted
    assert off_by(now, told) < 0.5


def test_the_simulated_bay_shifts_the_wall_clock_and_it_can_be_learnt_right() -> None:
    """Verb `clock`: a Pi that is an hour off, whatever the host's NTP says."""
    shifted = clock(ntp=True)
    shifted.shift(-3600)
    now = shifted.now()
    assert not now.trusted
    assert off_by(now, datetime.now(UTC) - timedelta(hours=1)) < 0.5
    shifted.learn(Instant(wall=datetime.now(UTC), monotonic=now.monotonic))
    assert off_by(shifted.now(), datetime.now(UTC)) < 0.5


def test_a_frozen_wall_clock_stands_while_monotonic_time_runs() -> None:
    """Verb `clock freeze`."""
    frozen = clock(ntp=True)
    frozen.freeze(True)
    first, second = frozen.now(), frozen.now()
    assert first.wall == second.wall
    assert second.monotonic > first.monotonic
    frozen.freeze(False)
    assert frozen.now().wall > first.wall


def test_monotonic_seconds_count_from_the_kernels_boot() -> None:
    """So that rows of two processes of one boot can be compared."""
    with open("/proc/uptime", encoding="ascii") as uptime:  # noqa: PTH123 - as the kernel writes it
        since_boot = float(uptime.read().split()[0])
    assert abs(clock(ntp=False).now().monotonic - since_boot) < 60


def test_the_kernels_word_on_ntp_is_a_fact() -> None:
    """The kernel answers on this machine, whichever way."""
    assert ntp_holds() in (True, False)


def test_the_boot_id_is_the_kernels_and_stays() -> None:
    """36 characters, the same when asked again."""
    assert len(kernel_boot_id()) == 36
    assert kernel_boot_id() == kernel_boot_id()


def test_nonces_are_24_hex_digits_and_differ() -> None:
    """Message ids must never repeat (OCPP-J errata 3.1)."""
    nonces = {new_nonce() for _ in range(100)}
    assert len(nonces) == 100
    assert all(len(each) == 24 and int(each, 16) >= 0 for each in nonces)

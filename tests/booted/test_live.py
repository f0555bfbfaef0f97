"""scripts/install on a system that runs: what changes takes effect, what runs is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.booted.system import UNITS, UP_WITHIN_S, Machine, NoBoot, System, booted
from tests.waiting import until_now

pytestmark = [pytest.mark.booted, pytest.mark.root, pytest.mark.slow]

EDGE, CSMS = "tapwatt-edge.service", "tapwatt-csms.service"


@pytest.fixture
def machine(installed: System) -> Iterator[Machine]:
    """A booted system whose charging point is not described yet."""
    (installed.root / "etc/tapwatt/edge.toml").unlink()
    try:
        with booted(installed) as running:
            running.until_active(CSMS)
            yield running
    except NoBoot as why:
        pytest.skip(f"nothing was booted: {why}")


def install(machine: Machine, *words: str) -> list[str]:
    return machine.run("/srv/clone/scripts/install", *words).splitlines()


def test_a_running_system_is_changed_and_left(machine: Machine, answers: Path) -> None:
    """Nothing where nothing is new; then a role goes; then all goes, and data stay."""
    assert machine.show(EDGE, "ConditionResult") == "no", "it begins once it is described"
    told = machine.system.root / "srv/answers"
    own = answers.read_text().partition("kind =")[0]
    told.write_text(f"{own}journal_days = 45\nhardware_watchdog = yes\n")
    assert install(machine, "--unattended", "/srv/answers") == ["install: nothing to change"]
    before = machine.show(CSMS, "MainPID"), machine.show("systemd-journald", "MainPID")

    told.write_text(f"{own}journal_days = 60\nhardware_watchdog = yes\n")
    assert "install: 1 changes" in install(machine, "--unattended", "/srv/answers")
    assert machine.show(CSMS, "MainPID") == before[0], "who runs goes on"
    assert machine.show("systemd-journald", "MainPID") != before[1]

    install(machine, "--remove")
    until_now(lambda: machine.show(CSMS, "LoadState") == "not-found", UP_WITHIN_S)
    assert machine.show(CSMS, "ActiveState") == "inactive"
    assert not (machine.system.root / UNITS / CSMS).exists()
    assert (machine.system.root / "var/lib/tapwatt-csms/csms.db").stat().st_size
    assert install(machine, "--remove")[-1] == "install: nothing to remove"

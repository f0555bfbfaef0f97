"""scripts/install into a bare Debian: what is there, what a second run does, what it refuses."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.booted.conftest import Installation
from tests.booted.system import INSTALL, UNITS, System

pytestmark = [pytest.mark.booted, pytest.mark.root, pytest.mark.slow]

MODES = {
    "etc/tapwatt": (0o750, "root", "tapwatt"),
    "etc/tapwatt/edge.toml": (0o640, "root", "tapwatt"),
    "etc/tapwatt/edge-keys": (0o700, "root", "root"),
    "etc/tapwatt/csms-keys": (0o700, "root", "root"),
    "etc/tapwatt/bridge-keys": (0o700, "root", "root"),
    "var/lib/tapwatt": (0o710, "tapwatt", "tapwatt"),
    "var/lib/tapwatt-csms": (0o700, "tapwatt-csms", "tapwatt-csms"),
}


def names(system: System, file: str) -> dict[int, str]:
    """Names by number, of `etc/passwd` or `etc/group`."""
    lines = (line.split(":") for line in system.text(file).splitlines())
    return {int(words[2]): words[0] for words in lines}


def snapshot(system: System) -> dict[str, tuple[int, int, int]]:
    """All that an installation may touch: inode, mode and time of change of each file."""
    tops = (system.root / top for top in ("etc", "opt", "usr/local", "var/lib"))
    return {str(path): kept(path.lstat()) for top in tops for path in top.rglob("*")}


def kept(told: os.stat_result) -> tuple[int, int, int]:
    return told.st_ino, told.st_mode, told.st_mtime_ns


def test_directories_belong_to_who_needs_them(installed: System) -> None:
    """Keys are root's alone: the units get copies; journal and database are their owners' alone."""
    users, groups = names(installed, "etc/passwd"), names(installed, "etc/group")
    found = {}
    for path in MODES:
        told = (installed.root / path).stat()
        found[path] = (stat.S_IMODE(told.st_mode), users[told.st_uid], groups[told.st_gid])
    assert found == MODES


def test_answers_are_where_they_count(installed: System) -> None:
    """Days of the log, the watchdog, who starts with the computer, and a first edge.toml."""
    assert "MaxRetentionSec=45day" in installed.text("etc/systemd/journald.conf.d/tapwatt.conf")
    assert "RuntimeWatchdogSec=" in installed.text("etc/systemd/system.conf.d/tapwatt.conf")
    wanted = {each.name for each in (installed.root / UNITS / "multi-user.target.wants").iterdir()}
    assert {name for name in wanted if "tapwatt" in name} == {
        "tapwatt-edge.service",
        "tapwatt-csms.service",
        "tapwatt-bridge.service",
    }
    groups = set(names(installed, "etc/group").values())
    assert {"gpio", "i2c", "spi", "dialout", "input"} <= groups
    assert 'id = "TAPWATT-1"' in installed.text("etc/tapwatt/edge.toml")


def test_the_installed_program_finds_its_configuration_sound(installed: System) -> None:
    """With the rehearsal on the simulated bay, by the command that people type."""
    done = installed.chroot(
        "tapwatt", "edge", "config", "check", "--config", "/etc/tapwatt/edge.toml"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the configuration is sound" in done.stdout


def test_the_bridge_has_what_the_others_do_without(installed: System) -> None:
    """Its library comes with its role."""
    program = ("/opt/tapwatt/current/bin/python", "-m", "edge.bridge")
    (installed.root / "etc/tapwatt/bridge.toml").write_text(
        'source = "http://127.0.0.1:8080"\ndatabase = "https://x.example"\nstations = ["DEMO"]\n'
    )
    done = installed.chroot(*program, "--config", "/etc/tapwatt/bridge.toml", "--check")
    assert "bridge-keys/firebase.json" in done.stderr, done.stdout + done.stderr
    done = installed.chroot(program[0], "-c", "import firebase_admin.db")
    assert done.returncode == 0, done.stderr


def test_systemd_understands_the_units_where_they_are_installed(installed: System) -> None:
    """With the programs and users that they name; it says nothing."""
    done = installed.chroot(
        "systemd-analyze",
        "verify",
        f"/{UNITS}/tapwatt-edge.service",
        f"/{UNITS}/tapwatt-csms.service",
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_second_run_changes_nothing_and_says_so(
    installation: Installation, installed: System, answers: Path
) -> None:
    """Nobody is afraid to run it again."""
    assert "install: nothing to change" not in installation.said
    before = snapshot(installed)
    done = installed.install("--unattended", answers)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "install: nothing to change\n"
    assert snapshot(installed) == before


def test_another_answer_changes_what_it_is_about(installed: System, answers: Path) -> None:
    """And nothing else; what a role no longer needs goes, data stay."""
    other = installed.upper.parent / "other"
    other.write_text(answers.read_text().replace("= 45", "= 90").replace("edge, csms", "edge"))
    done = installed.install("--unattended", other)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "  /etc/systemd/journald.conf.d/tapwatt.conf",
        f"  /{UNITS}/tapwatt-csms.service is gone",
        "install: 2 changes",
    ]
    assert (installed.root / "var/lib/tapwatt-csms").is_dir()


def test_the_journal_has_a_partition_of_its_own_if_one_is_named(
    installed: System, answers: Path
) -> None:
    """Mounted before the service begins, which waits for it; systemd understands the unit."""
    told = installed.upper.parent / "told"
    told.write_text(answers.read_text() + "data_partition = LABEL=tapwatt\n")
    assert installed.install("--unattended", told).returncode == 0
    unit = f"{UNITS}/var-lib-tapwatt.mount"
    assert "\nWhat=/dev/disk/by-label/tapwatt\n" in installed.text(unit)
    link = installed.root / UNITS / "local-fs.target.wants/var-lib-tapwatt.mount"
    assert link.is_symlink()
    done = installed.chroot("systemd-analyze", "verify", f"/{unit}")
    assert (done.stdout, done.stderr) == ("", "")
    assert installed.install("--unattended", answers).returncode == 0
    assert not (installed.root / unit).exists()
    assert not link.is_symlink()


def test_a_configuration_that_is_there_stays(installed: System, answers: Path) -> None:
    """The installer's first edge.toml is the last that it writes."""
    file = installed.root / "etc/tapwatt/edge.toml"
    file.write_text("# mine\n")
    assert installed.install("--unattended", answers).returncode == 0
    assert file.read_text() == "# mine\n"


def test_removal_keeps_data_unless_told(installed: System) -> None:
    """What was charged is owed, also by who stops selling."""
    data = installed.root / "var/lib/tapwatt/journal.sqlite3"
    data.write_text("sessions")
    assert installed.install("--remove").returncode == 0
    assert data.read_text() == "sessions"
    assert (installed.root / "etc/tapwatt/edge.toml").exists()
    for gone in ("opt/tapwatt", f"{UNITS}/tapwatt-edge.service", "usr/local/bin/tapwatt"):
        assert not os.path.lexists(installed.root / gone), gone
    left = [path for path in (installed.root / "etc").rglob("*tapwatt*") if path.name != "tapwatt"]
    assert left == []
    assert installed.install("--remove", "--purge").returncode == 0
    assert not data.parent.exists()
    assert not (installed.root / "etc/tapwatt").exists()
    assert "tapwatt" not in installed.text("etc/passwd")


def test_an_installation_that_fails_leaves_the_one_before(installed: System, answers: Path) -> None:
    """No library can be had for the new Python: what is there is still what starts."""
    current = installed.root / "opt/tapwatt/current"
    before = current.readlink()
    stub(installed, "python3", '[ "$1" = -VV ] && echo "Python 3.12" || exec /usr/bin/python3 "$@"')
    empty = installed.upper.parent / "empty"
    empty.mkdir()
    (empty / "no.whl").touch()
    done = installed.install("--unattended", answers, "--wheels", empty)
    assert done.returncode == 1
    assert "libraries could not be installed" in done.stderr
    assert current.readlink() == before
    assert [each.name for each in (current.parent / "releases").iterdir()] == [before.name]


def stub(system: System, program: str, says: str) -> None:
    """From now on *program* there is this."""
    file = system.root / "usr/local/bin" / program
    file.write_text(f"#!/bin/sh\n{says}\n")
    file.chmod(0o755)


def test_a_full_disk_is_refused_before_anything_is_changed(
    untouched: System, answers: Path
) -> None:
    """With what is free, and what is needed."""
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", untouched.root / "opt"], check=True
    )
    try:
        before = snapshot(untouched)
        done = untouched.install("--unattended", answers)
        assert done.returncode == 1
        assert "only 20 MiB are free" in done.stderr
        assert snapshot(untouched) == before
    finally:
        subprocess.run(["umount", untouched.root / "opt"], check=True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("jurnal_days = 60", "line 1: there is no key jurnal_days; keys are role"),
        ("journal_days = 7", "journal_days is 7: the log is kept for 30 to 90 days"),
        ("role = edgy", "there is no role edgy: roles are edge csms bridge kiosk"),
        ("hardware_watchdog = perhaps", "hardware_watchdog is yes or no"),
        ("edge", "line 1 is no key = value"),
        ("wheels = /nowhere", "there is no /nowhere"),
        ("role = edge\ndata_partition = sda1", "data_partition is sda1: write LABEL="),
    ],
)
def test_a_slip_in_the_answers_is_refused(untouched: System, answer: str, said: str) -> None:
    """A word that nobody reads is not a default."""
    file = untouched.upper.parent / "answers"
    file.write_text(answer + "\n")
    done = untouched.install("--unattended", file)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (untouched.root / "opt/tapwatt").exists()


@pytest.mark.parametrize(
    ("program", "says", "said"),
    [
        ("dpkg", "echo armhf", "this system is armhf: install the 64-bit Raspberry Pi OS"),
        ("python3", "exit 1", "Python 3.11 or newer is missing"),
        ("systemctl", "exit 127", "systemd is missing"),
    ],
)
def test_a_system_that_cannot_is_refused(
    untouched: System, answers: Path, program: str, says: str, said: str
) -> None:
    """One sentence that says what to do; *program* there answers as it would on such a system."""
    stub(untouched, program, says)
    done = untouched.install("--unattended", answers)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (untouched.root / "opt/tapwatt").exists()


def test_only_root_installs(place: Path) -> None:
    """Anybody else is told how."""
    place.chmod(0o755)
    script = shutil.copy(INSTALL, place)
    done = subprocess.run(
        [script, "--role", "edge"],
        capture_output=True,
        text=True,
        check=False,
        user=65534,
        cwd="/",
        timeout=30,
    )
    assert done.returncode == 1
    assert "only root can install: sudo scripts/install --role edge" in done.stderr


def test_going_back_keeps_what_runs(installed: System, answers: Path) -> None:
    """The version that was in use last stays, however old it is; what nobody used lately goes."""
    releases = installed.root / "opt/tapwatt/releases"
    current = installed.root / "opt/tapwatt/current"
    name = current.readlink().name
    os.utime(releases / name, (1, 1))
    for age, other in ((2, "unused"), (3, "running")):
        (releases / other).mkdir()
        os.utime(releases / other, (age, age))
    current.unlink()
    current.symlink_to("releases/running")
    assert installed.install("--unattended", answers).returncode == 0
    assert current.readlink().name == name
    assert {each.name for each in releases.iterdir()} == {name, "running"}

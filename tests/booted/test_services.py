"""The installed services under a real systemd: ready, killed, hung, and shut in."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.booted.conftest import Installation
from tests.booted.system import (
    CARD,
    UNITS,
    UP_WITHIN_S,
    Machine,
    NoBoot,
    System,
    booted,
    layer,
)
from tests.waiting import until_now

pytestmark = [pytest.mark.booted, pytest.mark.root, pytest.mark.slow]

EDGE, CSMS = "tapwatt-edge.service", "tapwatt-csms.service"
EDGE_TOML = """\
hardware = "simulated"
[station]
id = "TAPWATT-1"
[csms]
url = "ws://127.0.0.1:9000/ocpp"
backoff_first_s = 0.2
[policy]
start_stop_dead_time_s = 0
stop_start_dead_time_s = 0
[ocpp]
MeterValueSampleInterval = 1
"""
BAY = """\
[Service]
User=tapwatt
WorkingDirectory=/srv/bay
Environment=TMPDIR=/srv/bay
ExecStart=/opt/tapwatt/current/bin/tapwatt sim serve --socket /srv/bay/sim.sock --draw-w 7400
"""
DEVICES = {  # a kind of device that the kernel here need not have, by a major number of ours
    "gpiochip": 239,
    "i2c": 89,
    "spi": 153,
    "ttyAMA": 204,
    "ttyUSB": 188,
    "ttyACM": 166,
    "input": 13,
    "video4linux": 81,
    "rfcomm": 216,
}
THROUGH = {"gpiochip", "i2c", "spi", "ttyAMA", "ttyUSB", "ttyACM", "input"}


def lay_out(system: System) -> None:
    """The installed system with a simulated bay in the place of its pins and wires."""
    units = system.root / UNITS
    (system.root / "etc/tapwatt/edge.toml").write_text(EDGE_TOML)
    (units / "bay.service").write_text(BAY)
    bay = system.root / "srv/bay"
    bay.mkdir()
    state = (system.root / "var/lib/tapwatt").stat()
    os.chown(bay, state.st_uid, state.st_gid)
    unit = system.text(f"{UNITS}/{EDGE}")
    words = re.findall(r"^(ExecStart|ExecStopPost)=(.*)$", unit, re.MULTILINE)
    lines = ["[Unit]", "Wants=bay.service", "After=bay.service", "[Service]", "WatchdogSec=3"]
    for key, command in words:
        lines += [f"{key}=", f"{key}={command} --sim-socket /srv/bay/sim.sock"]
    drop_in = units / f"{EDGE}.d"
    drop_in.mkdir(exist_ok=True)
    (drop_in / "bay.conf").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def machine(memory: Path, installation: Installation) -> Iterator[Machine]:
    """A booted system that serves people."""
    with layer(memory / "booted", *installation.layers) as system:
        lay_out(system)
        try:
            with booted(system) as running:
                let_in(running)
                yield running
        except NoBoot as why:
            pytest.skip(f"nothing was booted: {why}")


def let_in(machine: Machine) -> None:
    """The charger is known, and a card that may charge."""
    machine.until_active(CSMS)
    added = ["tapwatt", "csms", "charger", "add", "TAPWATT-1", "--profile", "0"]
    state = ["--state-dir", "/var/lib/tapwatt-csms"]
    machine.run("runuser", "-u", "tapwatt-csms", "--", *added, *state)
    machine.csms("PUT", f"/api/cards/{CARD}", {"status": "Accepted"})
    machine.run("systemctl", "restart", EDGE)  # as a stranger it asks once a minute


@pytest.fixture
def free(machine: Machine) -> Machine:
    """The same, connector 1 free, online, its cable out."""
    machine.until_active(EDGE)
    machine.bay("unplug", connector=1)
    machine.until_bay(boot="Accepted", connectors__1__status="Available")
    return machine


def charge(machine: Machine) -> None:
    """A session runs at connector 1."""
    machine.bay("plug", connector=1)
    machine.until_bay(connectors__1__status="Preparing")
    machine.bay("card", uid=CARD)
    machine.until_bay(connectors__1__status="Charging", connectors__1__contactor_closed=True)
    assert machine.coil()


def restarts(machine: Machine, unit: str = EDGE) -> int:
    return int(machine.show(unit, "NRestarts"))


def test_a_session_is_charged_and_billed(free: Machine, record_line: Callable[[str], None]) -> None:
    """Both services are ready by their own word, in their sandboxes, and do their work."""
    assert free.show(EDGE, "Type") == free.show(CSMS, "Type") == "notify"
    before = len(free.csms("GET", "/api/sessions"))
    charge(free)
    until_now(lambda: free.bay("world")["connectors"]["1"]["energy_wh"] > 0, UP_WITHIN_S)
    assert "connector 1: Charging" in free.run("tapwatt", "edge", "status")
    free.bay("card", uid=CARD)
    free.until_bay(connectors__1__status="Finishing")
    assert not free.coil()
    until_now(lambda: len(free.csms("GET", "/api/sessions")) > before, UP_WITHIN_S)
    record_line(f"booted systemd: ran ({free.run('systemctl', '--version').splitlines()[0]})")


def test_safety_02_a_killed_controller_leaves_nothing_on(free: Machine) -> None:
    """The bay holds the pins of a dead process, as a Raspberry Pi does: ExecStopPost lets go."""
    charge(free)
    before = restarts(free)
    free.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", EDGE)
    until_now(lambda: not free.coil(), UP_WITHIN_S)
    assert restarts(free) == before, "the next controller switched it off, not ExecStopPost"
    assert free.show(EDGE, "SubState") in {"stop-post", "auto-restart"}
    until_now(lambda: restarts(free) == before + 1, UP_WITHIN_S)
    free.until_active(EDGE)
    assert "all outputs are off" in free.log(EDGE)


def test_safety_02_all_goes_off_though_the_configuration_was_broken_meanwhile(
    free: Machine,
) -> None:
    """Somebody edits edge.toml while a car charges, and the controller dies before he is done."""
    charge(free)
    file = free.system.root / "etc/tapwatt/edge.toml"
    file.write_text("[statoin]\n")
    try:
        free.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", EDGE)
        until_now(lambda: not free.coil(), UP_WITHIN_S)
    finally:
        file.write_text(EDGE_TOML)
    free.until_active(EDGE)


def test_safety_02_a_hung_controller_is_killed_and_comes_back(free: Machine) -> None:
    """Nobody feeds the watchdog: its process is there, and does nothing."""
    charge(free)
    before = restarts(free)
    free.run("systemctl", "kill", "--kill-who=main", "--signal=STOP", EDGE)
    until_now(lambda: not free.coil(), UP_WITHIN_S)
    until_now(lambda: restarts(free) == before + 1, UP_WITHIN_S)
    free.until_active(EDGE)
    assert "Watchdog timeout" in free.log(EDGE)


def test_a_reset_by_the_central_system_begins_a_new_process(free: Machine) -> None:
    """Not one that systemd believes to be stopping, and kills."""
    before = restarts(free), free.show(EDGE, "MainPID")
    free.csms(
        "POST", "/api/chargers/TAPWATT-1/commands", {"action": "Reset", "payload": {"type": "Soft"}}
    )
    until_now(lambda: restarts(free) == before[0] + 1, UP_WITHIN_S)
    free.until_active(EDGE)
    assert free.show(EDGE, "MainPID") != before[1]
    assert "'stop-sigterm' timed out" not in free.log(EDGE)


def test_a_hung_central_system_is_killed_and_comes_back(free: Machine) -> None:
    """With what it was told before; chargers find it again."""
    sessions = free.csms("GET", "/api/sessions")
    before = restarts(free, CSMS)
    free.run("systemctl", "kill", "--kill-who=main", "--signal=ABRT", CSMS)
    until_now(lambda: restarts(free, CSMS) == before + 1, UP_WITHIN_S)
    free.until_active(CSMS)
    assert free.csms("GET", "/api/sessions") == sessions
    assert "Current thread" in free.log(CSMS), "what it was about is not in the log"


def probed(machine: Machine, unit: str, *own: str) -> dict[str, str]:
    """What a process may do in the sandbox of *unit*, which this is but for its command."""
    system = machine.system
    shutil.copy(Path(__file__).with_name("probe.py"), system.root / "opt/tapwatt/probe.py")
    name = f"probe-{unit}"
    text = re.sub(
        r"^(Exec(Start|StopPost)|Type|Restart\w*|WatchdogSec|Condition\w+|KillMode"
        r"|RuntimeDirectoryPreserve)=.*\n",
        "",
        system.text(f"{UNITS}/{unit}"),
        flags=re.MULTILINE,
    )
    command = " ".join(("/usr/bin/python3", "/opt/tapwatt/probe.py", *own))
    # Its runtime directory is that of the unit itself, which goes on working there.
    first = f"[Service]\nType=oneshot\nExecStart={command}\nRuntimeDirectoryPreserve=yes\n"
    text = text.replace("[Service]\n", first)
    (system.root / UNITS / name).write_text(text)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", name, check=False)
    until_now(lambda: "Finished" in machine.log(name), UP_WITHIN_S)
    (told,) = (line for line in machine.log(name).splitlines() if line.startswith("{"))
    found: dict[str, str] = json.loads(told)
    return found


@pytest.fixture(scope="module")
def devices(machine: Machine) -> None:
    """A node of each kind of device, and a kernel that says that it has them."""
    listed = machine.run("cat", "/proc/devices")
    kinds = "".join(f"{major} {name}\n" for name, major in DEVICES.items())
    listing = machine.system.root / "srv/devices"
    listing.write_text(listed.replace("Character devices:\n", f"Character devices:\n{kinds}"))
    machine.run("mount", "--bind", "/srv/devices", "/proc/devices")
    machine.run("mkdir", "/dev/probe")
    for name, major in DEVICES.items():
        machine.run("mknod", "-m", "666", f"/dev/probe/{name}", "c", str(major), "200")
    machine.run("mknod", "-m", "666", "/dev/probe/disk", "b", "254", "0")
    machine.run("mknod", "-m", "666", "/dev/probe/memory", "c", "1", "1")


@pytest.mark.parametrize(
    ("unit", "own", "through"),
    [
        (EDGE, ("/var/lib/tapwatt", "/run/tapwatt"), THROUGH),
        (CSMS, ("/var/lib/tapwatt-csms",), set()),
    ],
    ids=["edge", "csms"],
)
def test_the_sandbox_denies_what_it_should_and_lets_the_wires_through(
    machine: Machine, devices: None, unit: str, own: tuple[str, ...], through: set[str]
) -> None:
    """A device that the filter lets through has no driver here (ENXIO); the filter says EPERM."""
    name = unit.removesuffix(".service").removeprefix("tapwatt-")
    machine.run("sh", "-c", f"umask 077; printf secret > /etc/tapwatt/{name}-keys/probe")
    found = probed(machine, unit, *own)
    assert {kind for kind in DEVICES if found.get(f"device {kind}") == "ENXIO"} == through, found
    assert found.pop("key") == "secret"
    allowed = {what for what, came in found.items() if came == "ok"}
    written = {f"write {place}" for place in (*own, "/tmp")}
    assert allowed == written | {"AF_UNIX", "AF_INET", "AF_INET6"}


def test_the_log_is_kept(machine: Machine) -> None:
    """On disk, for the days that the installer was told."""
    assert list((machine.system.root / "var/log/journal").rglob("system*.journal"))
    until_now(partial(machine.log, EDGE), UP_WITHIN_S)
    told = machine.run("systemd-analyze", "cat-config", "systemd/journald.conf")
    assert "MaxRetentionSec=45day" in told

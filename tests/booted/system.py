"""A bare Debian to install into, in layers that are thrown away, and the same one booted."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from edge.control.client import ask
from tests.waiting import until_now

ROOT = Path(__file__).parents[2]
INSTALL = ROOT / "scripts/install"
UNITS = "etc/systemd/system"
NSPAWN = (
    # Its systemd filters devices and addresses by BPF, which a container may not by itself.
    *("systemd-nspawn", "--boot", "--register=no", "--keep-unit", "--private-network"),
    *("--capability=all", "--system-call-filter=bpf", "--console=pipe", "--quiet"),
)
UP_WITHIN_S = 60.0  # two cores that others use, too
CARD = "04A2B1C3D4E580"


@dataclass(frozen=True, kw_only=True)
class System:
    """A root directory; what is changed in it lands in *upper*."""

    root: Path
    upper: Path

    def install(self, *words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the installer on it, as a person would."""
        command = [INSTALL, "--root", self.root, *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=240, **options
        )

    def chroot(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run *words* in it, with `/proc` and `/dev`, though nothing is booted."""
        mounts = (
            'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
        )
        command = ["unshare", "--mount", "sh", "-c", mounts, str(self.root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    def text(self, path: str) -> str:
        return (self.root / path).read_text()


@contextmanager
def layer(place: Path, *below: Path) -> Iterator[System]:
    """A system that is as *below*, the upmost first; what changes in it changes nothing there."""
    for name in ("root", "upper", "work"):
        (place / name).mkdir(parents=True)
    layers = ":".join(str(each) for each in below)
    told = f"lowerdir={layers},upperdir={place / 'upper'},workdir={place / 'work'}"
    subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", told, place / "root"],
        check=True,
        capture_output=True,
    )
    try:
        yield System(root=place / "root", upper=place / "upper")
    finally:
        subprocess.run(["umount", "--lazy", place / "root"], check=True)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A booted system, worked from outside."""

    system: System
    pid_1: int

    def run(self, *words: str, check: bool = True) -> str:
        """Run *words* in it as root, and give what they say."""
        command = ["nsenter", f"--target={self.pid_1}", "--all", "--", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout.strip()

    def show(self, unit: str, what: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", "--value", "-p", what, unit)

    def is_active(self, unit: str) -> bool:
        return self.show(unit, "ActiveState") == "active"

    def log(self, unit: str) -> str:
        return self.run("journalctl", "-o", "cat", "--no-pager", "-u", unit)

    def until_active(self, *units: str) -> None:
        """Return when all *units* have said that they are ready."""
        for unit in units:
            until_now(partial(self.is_active, unit), UP_WITHIN_S)

    def bay(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Ask the simulated bay."""
        answer = ask(self.system.root / "srv/bay/sim.sock", verb, **arguments)
        assert "error" not in answer, answer
        return answer

    def until_bay(self, **condition: Any) -> None:
        """Wait for the bay's snapshot; `connectors__1__status` is `connectors.1.status`."""
        wanted = {name.replace("__", "."): value for name, value in condition.items()}
        self.bay("wait", condition=wanted, timeout_s=UP_WITHIN_S, within_s=2 * UP_WITHIN_S)

    def coil(self) -> bool:
        """Whether the coil of connector 1 has current, by the bay's own word."""
        return bool(self.bay("world")["connectors"]["1"]["coil"])

    def csms(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the central system's API, from within."""
        script = (
            "import sys, urllib.request as u; m, p, b, t = sys.argv[1:];"
            "r = u.Request('http://127.0.0.1:8080' + p, b.encode() or None, method=m, headers={"
            "'Authorization': 'Bearer ' + t, 'Content-Type': 'application/json'});"
            "print(u.urlopen(r, timeout=20).read().decode())"
        )
        token = self.system.text("var/lib/tapwatt-csms/token").strip()
        told = "" if body is None else json.dumps(body)
        said = self.run("python3", "-c", script, method, path, told, token)
        return json.loads(said) if said else None


class NoBoot(OSError):
    """This machine boots no container; the message is its word."""


@contextmanager
def booted(system: System) -> Iterator[Machine]:
    """Boot *system* under its own systemd; raises `NoBoot` if that does not even begin.

    The clone that we are is at `/srv/clone` there.
    """
    environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    with (system.root.parent / "console.log").open("w+") as console:
        container = subprocess.Popen(
            [*NSPAWN, f"--bind-ro={ROOT}:/srv/clone", "-D", system.root],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
        )
        try:
            until_now(lambda: container.poll() is not None or _pid_1(container.pid), UP_WITHIN_S)
            if container.poll() is not None:
                console.seek(0)
                raise NoBoot(console.read().strip().splitlines()[-1])
            machine = Machine(system=system, pid_1=_pid_1(container.pid))
            until_now(lambda: _is_up(machine), UP_WITHIN_S)
            yield machine
        finally:
            container.terminate()  # an orderly end
            try:
                container.wait(timeout=30)
            except subprocess.TimeoutExpired:
                container.kill()
                container.wait()


def _is_up(machine: Machine) -> bool:
    told = machine.run("systemctl", "is-system-running", check=False)
    return told in {"running", "degraded"}


def _pid_1(container: int) -> int:
    """The container's systemd, 0 as long as only its forerunner is there."""
    told = Path(f"/proc/{container}/task/{container}/children").read_text(encoding="ascii")
    for child in told.split():
        if Path(f"/proc/{child}/comm").read_text(encoding="ascii") == "systemd\n":
            return int(child)
    return 0

"""The computer below the charging point: clock, disk, and the 5 V that it runs on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.doctor.finding import Finding, fault, notice, ok, unknown
from edge.doctor.site import Site
from edge.drivers.registry import Rig

MIB: Final = 1 << 20
ROOM_MIB: Final = 256  # a month offline, with two connectors charging all day, and what logs need
MEMORY: Final = ("tmpfs", "ramfs", "overlay")  # gone, or written into memory, at every start
THROTTLED: Final = Path("sys/devices/platform/soc/soc:firmware/get_throttled")
UNDER_VOLTAGE_NOW: Final = 1 << 0
UNDER_VOLTAGE_SINCE: Final = 1 << 16
THROTTLED_SINCE: Final = 1 << 18
ASK_S: Final = 5.0
WORN_FROM: Final = 9  # of 10: life_time counts tenths that are used up (JEDEC eMMC 5.0)

CLOCK_KEPT = ok("clock.kept", "NTP keeps the clock")
CLOCK_FREE = fault(
    "clock.free",
    "nobody keeps the clock",
    "let NTP out (UDP port 123) and turn it on (timedatectl set-ntp true)",
)
NO_RTC = notice(
    "clock.no_rtc",
    "there is no battery-backed clock: after a power cut the time is unknown until NTP answers",
    "fit one (DS3231, dtoverlay=i2c-rtc) where TLS is used or the network may be away",
)
ROOMY = ok("disk.room", "{free_mib} MiB are free at {path}")
FULL = fault(
    "disk.full",
    "only {free_mib} MiB are free at {path}",
    "make room, or give the state directory a partition of its own of 1 GiB",
)
READ_ONLY = fault(
    "disk.read_only",
    "{path} cannot be written ({why})",
    "mount it read-write; if the kernel made it read-only (dmesg), replace the card",
)
FORGETFUL = fault(
    "disk.memory",
    "{path} lies in memory ({kind}): every session in it is lost with the power",
    "put --state-dir on a disk",
)
ATIME = notice(
    "disk.atime",
    "{mount} is mounted so that every read of a file may write to the card",
    "mount it with noatime (/etc/fstab)",
)
WORN = notice(
    "disk.worn",
    "{used_percent} % of the flash's life are used up",
    "replace it before it fails: `tapwatt edge status` says how much is written each day",
)
WEAR_UNTOLD = unknown(
    "disk.wear_untold",
    "this disk does not tell how worn it is: SD cards never do",
    "use a high-endurance card, and see `tapwatt edge status` for the MB written each day",
)
WEAR_TOLD = ok("disk.wear", "{used_percent} % of the flash's life are used up")
POWERED = ok("supply.steady", "the 5 V have not sunk since the start")
SINKS = fault(
    "supply.under_voltage",
    "the 5 V of the computer are below 4.63 V{when}",
    "use a supply of 5.1 V and 3 A with short, thick wires, and nothing else on it",
)
HOT = notice(
    "supply.throttled",
    "the computer was slowed down since its start, by heat or its supply",
    "give it air, or a heat sink",
)
UNTOLD = unknown(
    "supply.untold", "this computer does not tell how its 5 V are", "measure them under load"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """The file system that a path lies on; *device* is `major:minor`."""

    at: str
    device: str
    kind: str
    options: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the computer says of itself; `None` where it says nothing.

    *unwritable* is why the state directory takes no file, *throttled* the firmware's bits, and
    *used_tenths* how many tenths of the flash's life are gone.
    """

    is_kept: bool
    has_rtc: bool
    path: str
    free_mib: int
    unwritable: str | None
    mount: Mount | None
    used_tenths: int | None
    throttled: int | None


async def examine(site: Site, _rig: Rig, _found: Sequence[Finding]) -> list[Finding]:
    """Look at clock, disk and supply."""
    root = site.computer.root
    mount = mount_of(site.state_dir, (root / "proc/self/mountinfo").read_text(encoding="utf-8"))
    return list(
        judge(
            Seen(
                is_kept=site.computer.ntp_holds(),
                has_rtc=any((root / "sys/class/rtc").glob("rtc*")),
                path=str(site.state_dir),
                free_mib=shutil.disk_usage(site.state_dir).free // MIB,
                unwritable=_unwritable(site.state_dir),
                mount=mount,
                used_tenths=None if mount is None else _used_tenths(root, mount.device),
                throttled=await _throttled(root),
            )
        )
    )


def judge(seen: Seen) -> Iterator[Finding]:
    """What *seen* amounts to."""
    yield CLOCK_KEPT.at("clock") if seen.is_kept else CLOCK_FREE.at("clock")
    if not seen.has_rtc:
        yield NO_RTC.at("clock")
    yield from _judge_disk(seen)
    yield from _judge_supply(seen.throttled)


def _judge_disk(seen: Seen) -> Iterator[Finding]:
    if seen.unwritable is not None:
        yield READ_ONLY.at("disk", path=seen.path, why=seen.unwritable)
    elif seen.free_mib < ROOM_MIB:
        yield FULL.at("disk", path=seen.path, free_mib=seen.free_mib)
    else:
        yield ROOMY.at("disk", path=seen.path, free_mib=seen.free_mib)
    mount = seen.mount
    if mount is not None and mount.kind in MEMORY:
        yield FORGETFUL.at("disk", path=seen.path, kind=mount.kind)
        return
    if mount is not None and "noatime" not in mount.options:
        yield ATIME.at("disk", mount=mount.at)
    if seen.used_tenths is None:
        yield WEAR_UNTOLD.at("disk")
    else:
        kind = WORN if seen.used_tenths >= WORN_FROM else WEAR_TOLD
        yield kind.at("disk", used_percent=10 * seen.used_tenths)


def _judge_supply(throttled: int | None) -> Iterator[Finding]:
    if throttled is None:
        yield UNTOLD.at("supply")
    elif throttled & (UNDER_VOLTAGE_NOW | UNDER_VOLTAGE_SINCE):
        when = "" if throttled & UNDER_VOLTAGE_NOW else " at times since its start"
        yield SINKS.at("supply", when=when, throttled=f"{throttled:#x}")
    elif throttled & THROTTLED_SINCE:
        yield HOT.at("supply", throttled=f"{throttled:#x}")
    else:
        yield POWERED.at("supply", throttled=f"{throttled:#x}")


def mount_of(path: Path, mountinfo: str) -> Mount | None:
    """The mount that *path* lies on, by `/proc/self/mountinfo` (proc(5)); the last one wins."""
    found: Mount | None = None
    place = path.resolve()
    for line in mountinfo.splitlines():
        head, _, tail = line.partition(" - ")
        words, kinds = head.split(), tail.split()
        at = words[4].encode().decode("unicode_escape")  # a blank is written \040
        inside = place.is_relative_to(at)
        if inside and (found is None or len(at) >= len(found.at)):
            options = frozenset(words[5].split(","))
            found = Mount(at=at, device=words[2], kind=kinds[0], options=options)
    return found


def _unwritable(directory: Path) -> str | None:
    """Write, sync and take away a file; why that does not work, if it does not."""
    trial = directory / "doctor-trial"
    try:
        descriptor = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, b"\0" * 4096)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            trial.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _used_tenths(root: Path, device: str) -> int | None:
    """What an eMMC says of its life, the worse of its two areas; SD cards and disks say nothing."""
    block = root / "sys/dev/block" / device
    for place in (block, block / ".."):  # a partition's device is its parent's
        with contextlib.suppress(OSError, ValueError):
            words = (place / "device/life_time").read_text(encoding="ascii").split()
            return max(int(word, 16) for word in words)
    return None


async def _throttled(root: Path) -> int | None:
    """The firmware's bits since the start, from the kernel or from `vcgencmd`."""
    with contextlib.suppress(OSError, ValueError):
        return int((root / THROTTLED).read_text(encoding="ascii"), 16)
    tool = shutil.which("vcgencmd")
    if tool is None:
        return None
    child = await asyncio.create_subprocess_exec(
        tool, "get_throttled", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(ASK_S):
            said, _ = await child.communicate()
    except TimeoutError:
        child.kill()
        return None
    with contextlib.suppress(ValueError):
        return int(said.decode().partition("=")[2], 16)
    return None

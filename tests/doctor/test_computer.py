"""Clock, disk and supply, by what the kernel writes in its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.doctor.computer import Mount, Seen, judge, mount_of

WELL: dict[str, Any] = {
    "is_kept": True,
    "has_rtc": True,
    "path": "/var/lib/tapwatt",
    "free_mib": 900,
    "unwritable": None,
    "mount": Mount(at="/", kind="ext4", device="179:2", options=frozenset({"rw", "noatime"})),
    "used_tenths": 1,
    "throttled": 0,
}
MOUNTS = r"""24 1 179:2 / / rw,relatime shared:1 - ext4 /dev/root rw
31 24 0:25 / /var/lib/tap\040watt rw,noatime - tmpfs tmpfs rw
"""


def remedies(**changes: Any) -> list[str]:
    return [found.code for found in judge(Seen(**WELL | changes)) if found.remedy]


def test_a_sound_computer_needs_no_remedy() -> None:
    """Else every report begins with noise."""
    assert remedies() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_kept": False}, "clock.free"),
        ({"has_rtc": False}, "clock.no_rtc"),
        ({"free_mib": 255}, "disk.full"),
        ({"unwritable": "Read-only file system"}, "disk.read_only"),
        ({"mount": Mount(at="/", kind="tmpfs", device="0:1", options=frozenset())}, "disk.memory"),
        (
            {"mount": Mount(at="/", kind="ext4", device="0:1", options=frozenset({"rw"}))},
            "disk.atime",
        ),
        ({"used_tenths": 9}, "disk.worn"),
        ({"used_tenths": None}, "disk.wear_untold"),
        ({"throttled": 0x50005}, "supply.under_voltage"),
        ({"throttled": 0x10000}, "supply.under_voltage"),
        ({"throttled": 0x40000}, "supply.throttled"),
        ({"throttled": None}, "supply.untold"),
    ],
)
def test_each_ill_has_one_remedy(changes: dict[str, Any], code: str) -> None:
    """One sentence, one remedy."""
    assert remedies(**changes) == [code]


def test_the_mount_nearest_to_the_directory_counts() -> None:
    """A state directory in memory is not saved by a good root; blanks are written as octal."""
    near = mount_of(Path("/var/lib/tap watt/state"), MOUNTS)
    assert near is not None
    assert (near.kind, near.at) == ("tmpfs", "/var/lib/tap watt")
    above = mount_of(Path("/var/lib/tap watts"), MOUNTS)
    assert above is not None
    assert above.kind == "ext4"

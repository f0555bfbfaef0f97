"""What a Raspberry Pi's kernel says of its own 5 V: a file with 1 in it while they sag, else 0.

As `in0_lcrit_alarm` of the hwmon device `rpi_volt`. The file is in memory and ends with us.
"""

from __future__ import annotations

import os


class SupplyFile:
    """The file; *path* can be read by our own user and root."""

    def __init__(self) -> None:
        self._file = os.memfd_create("in0_lcrit_alarm")
        self.path = f"/proc/{os.getpid()}/fd/{self._file}"
        self.show(low=False)

    def show(self, *, low: bool) -> None:
        """Say whether the supply is too low now."""
        os.pwrite(self._file, b"1\n" if low else b"0\n", 0)

    def close(self) -> None:
        """Take it away."""
        os.close(self._file)

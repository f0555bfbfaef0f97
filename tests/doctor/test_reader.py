"""A reader that does not work: what its line says, and what that means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.doctor.reader import Seen, is_console, judge
from edge.drivers.pn532_probe import QUESTION, Heard, kind_of

ANSWER = bytes.fromhex("0000FF00FF00 0000FF06FAD50332010607E800")


@pytest.mark.parametrize(
    ("heard", "kind", "firmware"),
    [
        (ANSWER, Heard.READER, "1.6"),
        (b"\x13" + ANSWER, Heard.READER, "1.6"),
        (b"", Heard.NOTHING, ""),
        (b"\0\0\0", Heard.NOTHING, ""),
        (b"\x55" + QUESTION, Heard.ECHO, ""),
        (ANSWER[:-2] + b"\xe9\0", Heard.RUBBISH, ""),
        (ANSWER[:-3], Heard.RUBBISH, ""),
    ],
)
def test_what_comes_back_is_told_apart(heard: bytes, kind: Heard, firmware: str) -> None:
    """A frame counts only whole, with both its checksums."""
    assert kind_of(heard) == (kind, firmware)


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        ({"complaint": None, "heard": Heard.READER, "firmware": "1.6"}, "reader.answers"),
        ({"heard": Heard.NOTHING}, "reader.silent"),
        ({"heard": Heard.NOTHING, "found_on": ("/dev/ttyUSB1",)}, "reader.elsewhere"),
        ({"heard": Heard.NOTHING, "is_console": True}, "reader.console"),
        ({"heard": Heard.ECHO}, "reader.echo"),
        ({"heard": Heard.RUBBISH}, "reader.garbled"),
        ({"heard": None}, "reader.no_port"),
        ({"heard": Heard.READER}, "reader.falters"),
        ({"has_line": False}, "reader.dead"),
    ],
)
def test_a_reader_has_one_ill(seen: dict[str, Any], code: str) -> None:
    """Complaint 17: the remedy names what to touch first."""
    usual: dict[str, Any] = {
        "where": "readers.0",
        "port": "/dev/ttyS0",
        "complaint": "silent",
        "has_line": True,
    }
    assert judge(Seen(**usual | seen)).code == code


def test_the_console_is_known_by_the_kernels_command_line(tmp_path: Path) -> None:
    """raspi-config leaves it on serial0 unless told otherwise."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text("console=tty1 console=ttyS0,115200 root=x\n")
    assert is_console("/dev/ttyS0", tmp_path)
    assert not is_console("/dev/ttyS1", tmp_path)

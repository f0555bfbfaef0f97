"""Diagnostics: bounded, of the time that was asked for, and without a secret."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.core.instant import Instant
from edge.core.security_log import SecurityEventLogged
from edge.core.vocabulary import LogType, SecurityEvent
from edge.drivers.diagnostics import LogRing, ReadSecurityLog, StationGatherer, scrubbed
from edge.errors import TransferFailed

LINES = (
    "timestamp=2026-03-01T10:00:00Z level=info event=a",
    "timestamp=2026-03-01T11:00:00Z level=info event=b",
    "  a line that belongs to b",
    "timestamp=2026-03-01T12:00:00Z level=info event=c",
)


def at(hour: int) -> datetime:
    return datetime(2026, 3, 1, hour, 30, tzinfo=UTC)


def ring(*lines: str, size_max: int = 10_000) -> LogRing:
    made = LogRing(size_max)
    for line in lines:
        assert made(None, "info", line) == line
    return made


def logged(*events: tuple[int, SecurityEvent, str | None]) -> ReadSecurityLog:
    """A journal with these lines, each on its full hour."""
    lines = [
        SecurityEventLogged(
            seq=seq,
            event=event,
            at=Instant(wall=datetime(2026, 3, 1, hour, tzinfo=UTC), monotonic=float(seq)),
            info=info,
            untold=False,
        )
        for seq, (hour, event, info) in enumerate(events, start=1)
    ]

    async def read() -> list[SecurityEventLogged]:
        return lines

    return read


def test_the_ring_keeps_the_newest_lines() -> None:
    """Limits: a mad log costs memory once."""
    made = ring(*(f"line {number:04}" for number in range(100)), size_max=55)
    assert made.between(None, None).split("\n")[:-1] == [f"line {n:04}" for n in range(95, 100)]


def test_a_span_chooses_lines_by_their_time() -> None:
    """5.9: startTime, stopTime; a line without a time goes with the one before."""
    made = ring(*LINES)
    assert made.between(at(10), at(11)) == f"{LINES[1]}\n{LINES[2]}\n"
    assert made.between(at(11), None) == f"{LINES[3]}\n"
    assert made.between(None, at(10)) == f"{LINES[0]}\n"
    assert ring("timestamp=soon event=x").between(at(10), None) == ""


def test_a_login_in_a_line_is_not_kept() -> None:
    """Logs leave the house."""
    assert ring("why=ftp://u:hush@h/x").between(None, None) == "why=ftp://***@h/x\n"


def test_secrets_go_and_tags_are_masked_at_any_depth() -> None:
    """Security 3.3: nothing in the file lets anybody in."""
    value = {
        "csms": {"password": "hush", "url": "ws://u:hush@h/o"},
        "ocpp": {"AuthorizationKey": "00ff", "HeartbeatInterval": "60"},
        "rows": [{"id_tag": "04A2B1C3D4E580", "stopping_reason": "Local"}, {"idTag": "AB"}],
        "password": None,
        "empty": {"id_tag": None},
    }
    assert scrubbed(value) == {
        "csms": {"password": "***", "url": "ws://***@h/o"},
        "ocpp": {"AuthorizationKey": "***", "HeartbeatInterval": "60"},
        "rows": [{"id_tag": "…E580", "stopping_reason": "Local"}, {"idTag": "…"}],
        "password": None,
        "empty": {"id_tag": None},
    }


def recorded() -> Iterator[bytes]:
    """What a flight recorder may hold."""
    yield from (b"one\n", b"two\n")


async def test_the_archive_holds_the_log_and_every_part(tmp_path: Path) -> None:
    """One file (5.9)."""

    async def state() -> object:
        return {"online": True, "session": {"idTag": "04A2B1C3D4E580"}}

    target = tmp_path / "d.tar.gz"
    gatherer = StationGatherer(ring(*LINES), {"state": state}, logged(), recorded)
    await gatherer.gather(LogType.DIAGNOSTICS, target, None, None)
    with tarfile.open(target) as archive:
        texts = {each.name: archive.extractfile(each) for each in archive}
        files = {name: file.read().decode() for name, file in texts.items() if file}
    assert files["recording.rec"] == "one\ntwo\n"
    assert files["log.txt"].splitlines() == list(LINES)
    assert json.loads(files["state.json"]) == {"online": True, "session": {"idTag": "…E580"}}


@pytest.mark.parametrize(
    ("oldest", "latest", "shown"),
    [(None, None, [0, 1, 2]), (at(10), None, [1, 2]), (None, at(11), [0, 1]), (at(9), at(9), [])],
)
async def test_a_security_log_is_a_line_per_event(
    oldest: datetime | None, latest: datetime | None, shown: list[int], tmp_path: Path
) -> None:
    """N01.FR.03: time, type, what else is known, of the span asked for; format ours to choose."""
    gatherer = StationGatherer(
        ring(*LINES),
        {},
        logged(
            (10, SecurityEvent.STARTUP_OF_THE_DEVICE, "firmware 2.1"),
            (11, SecurityEvent.INVALID_MESSAGES, None),
            (12, SecurityEvent.RESET_OR_REBOOT, "Käbel?"),
        ),
        recorded,
    )
    await gatherer.gather(LogType.SECURITY, tmp_path / "log", oldest, latest)
    lines = [
        "2026-03-01T10:00:00.000Z StartupOfTheDevice firmware 2.1\n",
        "2026-03-01T11:00:00.000Z InvalidMessages\n",
        "2026-03-01T12:00:00.000Z ResetOrReboot Käbel?\n",
    ]
    written = (tmp_path / "log").read_text(encoding="utf-8")
    assert written == "".join(lines[number] for number in shown)


@pytest.mark.parametrize("log_type", LogType)
async def test_a_disk_that_takes_nothing_is_told(log_type: LogType, tmp_path: Path) -> None:
    """A failure like any other of this upload."""
    gatherer = StationGatherer(ring(*LINES), {}, logged(), recorded)
    with pytest.raises(TransferFailed, match="cannot be written"):
        await gatherer.gather(log_type, tmp_path / "no" / "such", None, None)

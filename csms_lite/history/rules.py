"""What is kept of the past of a station, and how much of it."""

from __future__ import annotations

from typing import Final, NamedTuple

BEATS_PER_ROW_MS: Final = 600_000  # 100 chargers that beat each minute would add 50 M rows a year


class Status(NamedTuple):
    """A StatusNotification as it came."""

    row: int
    charger: str
    connector: int
    status: str
    error_code: str
    info: str | None
    vendor_id: str | None
    vendor_error_code: str | None
    told_at_ms: int | None
    at_ms: int


class BootRow(NamedTuple):
    """A BootNotification as it came, and what it was answered."""

    row: int
    charger: str
    answer: str
    vendor: str
    model: str
    serial: str | None
    firmware: str | None
    iccid: str | None
    imsi: str | None
    at_ms: int


class Beats(NamedTuple):
    """Heartbeats of up to ten minutes, as one row."""

    row: int
    charger: str
    beats: int
    at_ms: int
    last_at_ms: int

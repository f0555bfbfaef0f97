"""Who downloads, uploads and installs, and what diagnostics tell: made from the settings."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec

from edge.config.settings import Settings
from edge.core.setup import Setup
from edge.drivers.diagnostics import LogRing, StationGatherer
from edge.drivers.journal import SqliteJournal
from edge.drivers.registry import decode
from edge.drivers.transfer import ChildTransfer
from edge.drivers.transfer import Settings as TransferSettings
from edge.drivers.updater import CommandUpdater
from edge.drivers.verifier import ChildVerifier
from edge.ports import Clock
from edge.recording.flight import FlightRecorder
from edge.runtime.errands import Errands, Hands
from edge.runtime.readings import Readings

LIBRARIES: Final = (
    "tapwatt",
    "ocpp",
    "websockets",
    "pymodbus",
    "gpiozero",
    "aiosqlite",
    "httpx",
    "cryptography",
)


MOST_TEXT: Final = 8 << 20  # of a recording that goes with others; some hours


def recorded(flight: FlightRecorder, most_text: int | None = None) -> Iterator[bytes]:
    """The text of what *flight* holds until now, at most about *most_text* bytes of it."""
    recording = flight.recording(most_text)
    return iter(()) if recording is None else recording.text()


def transfer_settings(settings: Settings) -> TransferSettings:
    """Check [transfer]; raises `ConfigError`."""
    return decode(TransferSettings, settings.transfer, "transfer")


def protocols(settings: Settings) -> tuple[str, ...]:
    """The protocols by which files may come and go."""
    return tuple(sorted(transfer_settings(settings).protocols))


def make_errands(
    settings: Settings,
    setup: Setup,
    *,
    ring: LogRing,
    journal: SqliteJournal,
    clock: Clock,
    status: Callable[[], dict[str, Any]],
    readings: Readings,
    flight: FlightRecorder,
    spool: Path,
) -> Errands:
    """Put the hands together."""

    async def state() -> object:
        return status()

    async def latest() -> object:
        return readings.rows()

    async def configuration() -> object:
        told: dict[str, Any] = msgspec.to_builtins(settings)
        return {**told, "cards": len(settings.cards)}  # whose keys name people

    async def versions() -> object:
        return {
            "firmware": setup.identity.firmware_version,
            "python": platform.python_version(),
            "kernel": platform.release(),
            "machine": platform.machine(),
            "libraries": {name: version(name) for name in LIBRARIES},
        }

    parts = {
        "state": state,
        "journal": journal.summary,
        "readings": latest,
        "configuration": configuration,
        "versions": versions,
    }
    hands = Hands(
        transfer=ChildTransfer(transfer_settings(settings)),
        verifier=ChildVerifier(),
        updater=CommandUpdater(
            settings.firmware.install,
            within_s=setup.policy.install_within_s,
            rehearses=settings.hardware == "simulated",
        ),
        gatherer=StationGatherer(
            ring, parts, journal.security_log, partial(recorded, flight, MOST_TEXT)
        ),
    )
    return Errands(hands=hands, clock=clock, spool=spool)

"""The parts of a running daemon that what is asked of it reaches."""

from __future__ import annotations

from dataclasses import dataclass

from edge.app.privacy import Names
from edge.core.state import ChargePoint
from edge.drivers.journal import SqliteJournal
from edge.drivers.ocpp_link import OcppLink
from edge.drivers.system_clock import SystemClock
from edge.recording.flight import FlightRecorder
from edge.runtime.errands import Errands
from edge.runtime.expiry import Expiry
from edge.runtime.loop import Loop
from edge.runtime.readings import Readings
from edge.runtime.recorder import Recorder
from edge.runtime.upkeep import Upkeep
from edge.runtime.wear import Wear


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """The parts of a running daemon that verbs and hooks reach."""

    loop: Loop[ChargePoint]
    recorder: Recorder
    journal: SqliteJournal
    link: OcppLink
    clock: SystemClock
    errands: Errands
    wear: Wear
    upkeep: Upkeep
    expiry: Expiry
    names: Names
    readings: Readings
    flight: FlightRecorder
    has_power_good: bool

"""What is examined: the configuration, the computer it meets, and what the installer says.

Everything that the doctor touches comes through here, so that its self-test can put a simulated
bay and a made-up computer in the place of the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from edge.app.hardware import Tables
from edge.config.settings import Settings
from edge.core.access import Access
from edge.drivers.meter_search import LINES, UNITS, WITHIN_S, Line, Progress
from edge.drivers.system_clock import ntp_holds
from edge.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the installer allows and knows.

    *loads*: the connectors that a test load is plugged into, by the installer's word; all others
    are empty. *clicks*: those whose contactor may be switched.
    """

    loads: frozenset[int] = frozenset()
    clicks: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Computer:
    """Where this computer tells about itself.

    *root* is `/`; *serial_ports* are those on which a reader may hang; *ntp_holds* asks the kernel.
    """

    root: Path = Path("/")
    serial_ports: Sequence[str] = ()
    ntp_holds: Callable[[], bool] = ntp_holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How far a bus is searched for meters: settings, unit ids, and for how long at most."""

    lines: Sequence[Line] = LINES
    units: Sequence[int] = UNITS
    within_s: float = WITHIN_S
    progress: Progress | None = None


def search_of(settings: Settings, within_s: float) -> Search:
    """A search of real wires, or of simulated ones, which know no parity."""
    if settings.hardware == "real":
        return Search(within_s=within_s)
    return Search(lines=tuple(line for line in LINES if line.parity == "N"), within_s=within_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One charging point, as configured and as it stands there.

    *ways* are the ways in that the daemon would try at the central system, *roots* the
    certificates that came over OCPP.
    """

    settings: Settings
    tables: Tables
    clock: Clock
    random: Random
    state_dir: Path
    consent: Consent = Consent()
    computer: Computer = Computer()
    search: Search = Search()
    ways: Sequence[Access] = ()
    roots: Sequence[str] = ()

"""Why meters do not answer, from what a search of their bus has found. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from edge.doctor.finding import Finding, fault, notice, ok
from edge.drivers.meter_search import Found, Line, Remark, Result, Symptom

READS = ok("meter.reads", "[{where}] the meter shows {energy_wh} Wh{power}{number}")
NO_PORT = fault(
    "bus.no_port",
    "[{where}] {port} cannot be opened",
    "check the adapter's plug and its name (ls -l /dev/serial/by-id), and that no other program"
    " has it open",
)
SILENT = fault(
    "bus.silent",
    "[{where}] nobody answers on {port}, at no setting and under no unit id",
    "check that the meters have power, then swap A and B",
)
NOISE = fault(
    "bus.noise",
    "[{where}] bytes come from {port} that nobody asked for, and no meter gets through",
    "look for a second master, for A or B shorted, and fit 120 Ω at both ends of the cable",
)
SETTINGS = fault(
    "bus.settings",
    "[{where}] the meters speak at {found_line}, and edge.toml says {line}",
    'write baudrate = {baudrate} and parity = "{parity}"',
)
CLASH = fault(
    "meter.clash",
    "[{where}] more than one device answers as unit {unit}",
    "disconnect all but one, and give each a unit id of its own",
)
DAMAGED = fault(
    "bus.damaged",
    "[{where}] only some replies on {port} arrive whole",
    "fit 120 Ω at both ends of the cable, join the grounds, and keep it away from the contactor's",
)
OTHER_UNIT = fault(
    "meter.unit",
    "[{where}] unit {unit} is silent, and {name} answers as unit {found_unit}, unclaimed",
    "write unit = {found_unit}, or set the meter to {unit}",
)
OTHER_MODEL = fault(
    "meter.model",
    "[{where}] the meter is {name}, and edge.toml says {model}",
    'write model = "{found_model}"',
)
UNKNOWN_MODEL = fault(
    "meter.unknown_model",
    "[{where}] unit {unit} answers, and is no meter that is known",
    "check that it is the meter; if it is, write a model file for it (edge/drivers/meters)",
)
DEAD = fault(
    "meter.dead",
    "[{where}] others on the bus answer, and unit {unit} does not",
    "check its power, its own A and B, and its unit id",
)
FALTERS = fault(
    "meter.falters",
    "[{where}] the meter answers and its readings cannot be used ({why})",
    "watch it (tapwatt edge readings); shorten and terminate the cable, or replace the meter",
)
UNFINISHED = notice(
    "bus.unfinished",
    "[{where}] the search on {port} was not finished",
    "look up what the meter is set to, or give the search more time (--search-s)",
)
ON_THE_LINE: Final = {
    Symptom.NO_PORT: NO_PORT,
    Symptom.NOISE: NOISE,
    Symptom.DAMAGED: DAMAGED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What edge.toml says of one meter."""

    unit: int
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A bus with meters that are silent: what is configured, and what a search came to.

    *silent* says why, by connector. *line* is the configured setting of a serial bus.
    """

    bus: str
    port: str
    line: Line | None
    configured: Mapping[int, Configured]
    silent: Mapping[int, str]
    result: Result

    @property
    def where(self) -> str:
        """The bus's table."""
        return f"buses.{self.bus}"

    @property
    def remarks(self) -> Mapping[Symptom, Remark]:
        """What the search said, by symptom."""
        return {remark.symptom: remark for remark in self.result.remarks}


def place(connector: int) -> str:
    """The table of *connector*'s meter."""
    return f"connectors.{connector}.meter"


def judge(seen: Seen) -> Iterator[Finding]:
    """What ails the bus, else what ails each silent meter."""
    ails = list(_bus(seen))
    yield from ails or (_meter(seen, connector) for connector in seen.silent)


def _bus(seen: Seen) -> Iterator[Finding]:
    """What explains every silence on it; the gravest only."""
    remarks = seen.remarks
    if Symptom.CLASH in remarks:
        yield CLASH.at(seen.where, unit=remarks[Symptom.CLASH].unit)
        return
    for symptom, kind in ON_THE_LINE.items():
        if symptom in remarks:
            yield kind.at(seen.where, port=seen.port)
            return
    found = seen.result.found
    if not found:
        unfinished = Symptom.UNFINISHED in remarks
        yield (UNFINISHED if unfinished else SILENT).at(seen.where, port=seen.port)
    elif found[0].line != seen.line and found[0].line is not None:
        line = found[0].line
        yield SETTINGS.at(
            seen.where,
            line=str(seen.line),
            found_line=str(line),
            baudrate=line.baudrate,
            parity=line.parity,
        )


def _meter(seen: Seen, connector: int) -> Finding:
    """What ails one meter of a bus on which others, or it itself, were found."""
    where, configured = place(connector), seen.configured[connector]
    found = {each.unit: each for each in seen.result.found}
    if configured.unit in found:
        return _misread(where, configured, found[configured.unit], seen.silent[connector])
    claimed = {each.unit for each in seen.configured.values()}
    free = [each for each in found.values() if each.unit not in claimed]
    if not free:
        return DEAD.at(where, unit=configured.unit)
    alike = [each for each in free if each.likeness.model == configured.model] or free
    return OTHER_UNIT.at(
        where, unit=configured.unit, name=f"a {alike[0].name}", found_unit=alike[0].unit
    )


def _misread(where: str, configured: Configured, found: Found, why: str) -> Finding:
    """It answers, and the driver could make nothing of it."""
    likeness = found.likeness
    if likeness.model is None:
        return UNKNOWN_MODEL.at(where, unit=configured.unit)
    if configured.model in (likeness.model, *likeness.others):
        return FALTERS.at(where, why=why)
    return OTHER_MODEL.at(
        where, name=f"a {found.name}", model=configured.model, found_model=likeness.model
    )

"""The commissioning report: what was found, to be kept, as text and as JSON. No secrets in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Final

import msgspec

from edge.config.settings import Settings
from edge.core.instant import Instant, rfc3339
from edge.doctor.finding import Finding, Level, worst_first

MARKS: Final = {
    Level.FAULT: "FAULT ",
    Level.NOTICE: "notice",
    Level.UNKNOWN: "look  ",
    Level.OK: "ok    ",
}
SECRET_KEYS: Final = ("password", "AuthorizationKey")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What the report is of: who looked, when, at which station, by which configuration.

    *configuration* is the digest of its settings; *at* is the wall clock, as text.
    """

    station: str
    vendor: str
    model: str
    serial: str | None
    meter_serial: str | None
    software: str
    configuration: str
    at: str
    installer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A heading and all findings, in the order in which they were made."""

    heading: Heading
    findings: Sequence[Finding]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is a fault."""
        return all(found.level is not Level.FAULT for found in self.findings)

    def as_json(self) -> str:
        """All of it, for machines."""
        findings: list[dict[str, Any]] = [asdict(found) for found in self.findings]
        whole = {"report": asdict(self.heading), "sound": self.is_sound, "findings": findings}
        return json.dumps(whole, indent=2, ensure_ascii=False)

    def as_text(self) -> str:
        """All of it, for people."""
        return "\n".join((*self._head(), "", *lines(self.findings), "", self.summary()))

    def summary(self) -> str:
        """How many of each level, in one line."""
        counts = dict.fromkeys(Level, 0)
        for found in self.findings:
            counts[found.level] += 1
        return (
            f"{counts[Level.FAULT]} faults, {counts[Level.NOTICE]} notices,"
            f" {counts[Level.UNKNOWN]} for you to look at, {counts[Level.OK]} in order"
        )

    def _head(self) -> Iterator[str]:
        head = self.heading
        yield f"Commissioning report of {head.station}, {head.at}"
        yield f"{head.vendor} {head.model}, serial number {head.serial or 'none'}"
        yield f"main meter's serial number {head.meter_serial or 'none'}"
        yield f"Tapwatt {head.software}, configuration {head.configuration}"
        yield f"examined by {head.installer or 'nobody who gave a name'}"


def heading(settings: Settings, now: Instant, installer: str) -> Heading:
    """The heading of a report on *settings*, made *now*."""
    station = settings.station
    return Heading(
        station=station.id,
        vendor=station.vendor,
        model=station.model,
        serial=station.serial,
        meter_serial=station.meter_serial,
        software=version("tapwatt"),
        configuration=digest(settings),
        at=rfc3339(now.wall),
        installer=installer,
    )


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Each finding for people, the gravest first: its sentence, and below it the remedy."""
    for found in worst_first(findings):
        yield f"{MARKS[found.level]}  {found.what}  ({found.code})"
        if found.remedy:
            yield f"        → {found.remedy}"


def digest(settings: Settings) -> str:
    """Tells two configurations apart: SHA-256 of the settings without their secrets."""
    public = _public(msgspec.to_builtins(settings))
    encoded = msgspec.json.encode(public, order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:16]


def _public(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _public(each) for k, each in value.items() if k not in SECRET_KEYS}
    return value

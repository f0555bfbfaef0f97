"""The report to keep: the gravest first, as text and JSON, and no secrets."""

from __future__ import annotations

import json

from edge.config.loading import load
from edge.doctor.computer import CLOCK_FREE, CLOCK_KEPT
from edge.doctor.report import Report, digest, heading
from edge.drivers.system_clock import SystemClock


def report(*options: str, sound: bool = False) -> Report:
    kind = CLOCK_KEPT if sound else CLOCK_FREE
    settings = load([], ["station.serial=S-1", *options])
    now = SystemClock().now()
    findings = [CLOCK_KEPT.at("clock"), kind.at("clock")]
    return Report(heading=heading(settings, now, "A. Fitter"), findings=findings)


def test_the_text_begins_with_what_is_wrong() -> None:
    """Who reads only the first line must read the gravest."""
    text = report().as_text()
    assert text.index("FAULT ") < text.index("→ let NTP out") < text.index("ok ")
    assert "serial number S-1" in text
    assert "examined by A. Fitter" in text
    assert text.endswith("1 faults, 0 notices, 0 for you to look at, 1 in order")


def test_the_json_holds_all_of_it() -> None:
    """For those who keep many reports."""
    whole = json.loads(report().as_json())
    assert whole["sound"] is False
    assert whole["report"]["installer"] == "A. Fitter"
    assert [each["code"] for each in whole["findings"]] == ["clock.kept", "clock.free"]
    assert json.loads(report(sound=True).as_json())["sound"] is True


def test_no_secret_is_in_the_report_nor_in_its_digest() -> None:
    """A digest of a weak password would give it away."""
    secrets = ("csms.password=hunter2", "ocpp.AuthorizationKey=0123456789abcdef")
    assert "hunter2" not in report(*secrets).as_json() + report(*secrets).as_text()
    assert digest(load([], secrets)) == digest(load())
    assert digest(load([], ["station.id=OTHER"])) != digest(load())

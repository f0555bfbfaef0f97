"""The card: every row of the checklist with its test and how that ended.

`python -m tests.spec.card edge` (or `csms`) runs the suite, prints the card, writes it as JSON if
told where, and ends with `conformance: N of N`. Rows without a test are pending, never passed.
The card in `SHIPPED` travels with the pages and is served beside the status feed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.spec.rows import CSMS, EDGE, HERE, Row, Suite, row_of

ROOT: Final = HERE.parents[1]
SHIPPED: Final = ROOT / "hmi" / "conformance.json"
SUITES: Final = {"edge": EDGE, "csms": CSMS}
PASSED, FAILED, PENDING, LEFT_OUT = "passed", "FAILED", "pending", "left out"


def main(words: Sequence[str]) -> int:
    """Run, print, write; 0 if every row that must be a test has one that passed."""
    parser = argparse.ArgumentParser(description="OCPP 1.6 conformance card")
    parser.add_argument("what", choices=SUITES, help="whose card")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the card there as well")
    parser.add_argument("-n", "--workers", default="4", help="test processes (default: 4)")
    arguments = parser.parse_args(words)
    suite = SUITES[arguments.what]
    with TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "spec", "-n", arguments.workers]
        command += [str(suite.folder.relative_to(ROOT)), f"--junit-xml={report}"]
        ended = subprocess.run(command, cwd=ROOT, check=False).returncode
        outcomes = read_outcomes(report.read_text(encoding="utf-8")) if report.exists() else {}
    card = fill(outcomes, suite)
    _print(card)
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", "utf-8")
    passed, due = card["passed"], card["due"]
    print(f"conformance: {passed} of {due}")
    return 0 if passed == due and ended == 0 else 1


def read_outcomes(report: str) -> dict[str, bool]:
    """Whether each test passed with all its parameters, from a JUnit report."""
    outcomes: dict[str, bool] = {}
    for case in ET.fromstring(report).iter("testcase"):
        name = case.attrib["name"].partition("[")[0]
        bad = any(child.tag in ("failure", "error", "skipped") for child in case)
        outcomes[name] = outcomes.get(name, True) and not bad
    return outcomes


def fill(outcomes: Mapping[str, bool], suite: Suite = EDGE) -> dict[str, Any]:
    """The card as plain data: one entry per row, and the counts by profile."""
    known = suite.rows()
    named: dict[str, tuple[str, str]] = {}
    for file, name in suite.tests(due=True):
        row = row_of(name, known)
        if row is not None:
            named[row.id] = (f"tests/{suite.folder.name}/{file}", name)
    entries = [_entry(row, named.get(row.id), outcomes) for row in known]
    due = [entry for entry in entries if entry["result"] != LEFT_OUT]
    profiles: dict[str, dict[str, int]] = {}
    for entry in due:
        counted = profiles.setdefault(entry["profile"], {"passed": 0, "due": 0})
        counted["due"] += 1
        counted["passed"] += entry["result"] == PASSED
    return {
        "rows": len(known),
        "due": len(due),
        "passed": sum(entry["result"] == PASSED for entry in due),
        "pending": sum(entry["result"] == PENDING for entry in due),
        "left_out": len(known) - len(due),
        "profiles": profiles,
        "entries": entries,
    }


def _entry(row: Row, test: tuple[str, str] | None, outcomes: Mapping[str, bool]) -> dict[str, Any]:
    if row.left_out is not None:
        result = LEFT_OUT
    elif test is None:
        result = PENDING
    else:
        result = PASSED if outcomes.get(test[1], False) else FAILED
    return {
        "id": row.id,
        "profile": row.profile,
        "rule": row.rule,
        "answer": row.answer,
        "source": row.source,
        "test": None if test is None else f"{test[0]}::{test[1]}",
        "result": result,
        "why": row.left_out,
    }


def _print(card: Mapping[str, Any]) -> None:
    for entry in card["entries"]:
        test = (entry["test"] or "-").rpartition("::")[2]
        print(f"{entry['id']:<9} {entry['result']:<8} {entry['rule']}")
        print(f"{'':<19}{entry['why'] or test}")
    print()
    for profile, counted in card["profiles"].items():
        print(f"{profile:<26}{counted['passed']:>4} of {counted['due']}")
    print(f"{'rows':<26}{card['rows']:>4}, left out {card['left_out']}, pending {card['pending']}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

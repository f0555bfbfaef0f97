"""Nowhere do program, pages, words or README claim conformity that nobody has examined.

Issue 5.10, safety row 25; `tests/claims.py` says how a claim is told from a denial and a source.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.claims import claims, prose_of

ROOT = Path(__file__).parents[1]
NO_PROSE = {".png", ".lock", ".ico", ".pdf"}


def files() -> list[Path]:
    """All of the tree but tests, which name what is forbidden, and pictures."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    found = [ROOT / name for name in listed if name and not name.startswith("tests/")]
    return [path for path in found if path.is_file() and path.suffix not in NO_PROSE]


def claimed_in(path: Path) -> list[str]:
    return [sentence for piece in prose_of(path) for sentence in claims(piece)]


def test_safety_25_nobody_claims_what_nobody_has_examined() -> None:
    """IEC 61851, calibration law, MID: denied or named as a source, or not at all."""
    found = [f"{path.relative_to(ROOT)}: {said}" for path in files() for said in claimed_in(path)]
    assert not found, "\n" + "\n".join(found)


def test_all_that_people_read_is_looked_through() -> None:
    """README, program, pages, and every language of the words."""
    names = {str(path.relative_to(ROOT)) for path in files()}
    words = {f"hmi/words/{path.name}" for path in (ROOT / "hmi" / "words").glob("*.json")}
    assert len(words) == 6
    assert words | {"README.md", "edge/core/step.py", "hmi/index.html", "hmi/app.js"} <= names


@pytest.mark.parametrize(
    "claim",
    [
        "Tapwatt is certified.",
        "Certified to IEC 61851 with no exceptions.",
        "The charge point conforms to IEC 61851-1.",
        "It conforms to IEC 61851-1, table A.8.",
        "Conformant to IEC 61851.",
        "An IEC 61851 charge point for the Raspberry Pi.",
        "Billing meets calibration law.",
        "Energy is counted by MID.",
        "No cable is live unplugged, and all of the charge point is certified by a laboratory.",
        "Die Ladesäule ist zertifiziert.",
        "Abrechnung nach Eichrecht.",
        "Dieses Gerät ist eichrechtskonform und nicht teuer.",
        "La borne est certifiée.",
        "Borne conforme à la norme IEC 61851.",
        "La stazione è certificata.",
        "La stazione è conforme alla IEC 61851.",
        "Stasiun ini bersertifikat.",
        "Stasiun ini sesuai dengan IEC 61851.",
        "यह स्टेशन प्रमाणित है।",
        "यह स्टेशन IEC 61851 के अनुरूप है।",
    ],
)
def test_a_claim_is_seen(claim: str) -> None:
    """In every language that the pages speak."""
    assert claims(f"First a harmless sentence. {claim} And one behind it.") == [claim]


@pytest.mark.parametrize(
    "harmless",
    [
        "Nothing here is certified.",
        "Tapwatt claims no conformity with IEC 61851 and none with calibration law.",
        "Source: IEC 61851-1, table A.8 (duty to amps).",
        "State of the control pilot (IEC 61851-1), none where the hardware has no pilot.",
        "Dieses Gerät ist nicht eichrechtskonform.",
        "Cette borne n'est pas certifiée.",
        "Questa stazione non è certificata.",
        "Stasiun ini tidak bersertifikat.",
        "यह स्टेशन प्रमाणित नहीं है।",
        "A certificate that ends soon is renewed.",
        "The OCPP 1.6 conformance card.",
    ],
)
def test_a_denial_and_a_source_are_no_claims(harmless: str) -> None:
    """Honesty may use the words."""
    assert claims(harmless) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "# Title\n\nTapwatt is certified.\n"),
        ("drive.py", "if not said:\n    say('Certified to IEC 61851')\n"),
        ("doc.py", '"""Drives a pilot.\n\nIt conforms to\nIEC 61851-1.\n"""\n'),
        ("note.py", "x = 1  # complies\n# with IEC 61851\n"),
        ("de.json", '{"page": {"foot": "Zertifiziert nach IEC 61851"}}'),
        ("hi.json", json.dumps({"page.foot": "यह स्टेशन प्रमाणित है"})),
        ("index.html", "<p>Certified&nbsp;charging</p>"),
        ("card.js", 'paragraph("eichrechtskonform");\n'),
        ("serve", "#!/bin/sh\n# certified\n"),
    ],
)
def test_a_planted_claim_is_found_in_every_kind_of_file(
    tmp_path: Path, name: str, text: str
) -> None:
    """Whatever is around it: code beside it denies nothing."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert len(claimed_in(tmp_path / name)) == 1

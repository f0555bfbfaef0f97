"""The status document: the contract itself, and the recorded story that must keep it."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

HMI = Path(__file__).parents[2] / "hmi"
SCHEMA: dict[str, Any] = json.loads((HMI / "status.schema.json").read_text("utf-8"))
STORY: list[dict[str, Any]] = json.loads((HMI / "demo/session.json").read_text("utf-8"))
FIRST_PAINT_BYTES = 100_000


def test_the_schema_is_a_schema() -> None:
    """A typo in the contract would let everything through."""
    Draft202012Validator.check_schema(SCHEMA)


def test_every_recorded_document_keeps_the_contract() -> None:
    """What replay plays is what the feeds send."""
    validator = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
    for document in STORY:
        validator.validate(document)


def test_a_recording_goes_forward() -> None:
    """Sequence and time rise; the page would drop what does not."""
    told = [(d["sequence"], datetime.fromisoformat(d["at"])) for d in STORY]
    assert len(told) > 10
    for (sequence, at), (next_sequence, next_at) in pairwise(told):
        assert next_sequence > sequence
        assert next_at > at


@pytest.mark.parametrize(
    ("field", "value"),
    [("tag", "04A2B1C3D4E580"), ("energy_wh", -1), ("cost_minor", 1.5), ("started_at", None)],
)
def test_the_contract_refuses_what_must_not_be_shown(field: str, value: object) -> None:
    """No full card number leaves the house; energy and money are whole and not negative."""
    document = deepcopy(next(d for d in STORY if d["connectors"][1]["session"]))
    document["connectors"][1]["session"][field] = value
    assert not Draft202012Validator(SCHEMA).is_valid(document)


@pytest.mark.parametrize(
    ("amount", "fits"), [("1.35", True), (None, True), ("-2", True), (1.35, False), ("€1", False)]
)
def test_money_of_the_operator_is_a_decimal_as_text(amount: object, fits: bool) -> None:
    """A float would not be what the central system said."""
    document = deepcopy(STORY[0])
    cost = {"price_text": "0.49 EUR/kWh", "amount": amount, "final": False}
    document["connectors"][0]["cost"] = cost
    assert Draft202012Validator(SCHEMA).is_valid(document) is fits


def test_the_page_knows_every_status_of_the_contract() -> None:
    """A status that the page has no face for would be drawn as unknown."""
    enum = SCHEMA["properties"]["connectors"]["items"]["properties"]["status"]["enum"]
    faces = (HMI / "view/faces.js").read_text("utf-8")
    table = faces.split("FACES = {")[1].split("}")[0]
    assert re.findall(r"^  (\w+):", table, re.MULTILINE) == enum


def test_the_page_and_the_longest_language_stay_small() -> None:
    """First paint below 100 kB, on a motorway with one bar of signal; one language is loaded."""
    kinds = {".html", ".js", ".css", ".svg"}
    files = [
        path
        for path in HMI.rglob("*")
        if path.suffix in kinds and "node_modules" not in path.parts and path.name != "replay.js"
    ]  # what plays recordings is loaded by who asks for one
    longest = max(path.stat().st_size for path in (HMI / "words").glob("*.json"))
    assert sum(path.stat().st_size for path in files) + longest < FIRST_PAINT_BYTES

"""The public status document."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from edge.core.board import document, masked
from edge.core.events import Trip
from tests.core.bench import ALICE
from tests.core.build import Rig

SCHEMA = json.loads((Path(__file__).parents[2] / "hmi/status.schema.json").read_text())


def board(rig: Rig) -> dict[str, object]:
    made = document(rig.state, rig.instant, station_id="ABCD2345", sequence=7)
    jsonschema.validate(made, SCHEMA)
    connector: dict[str, object] = made["connectors"][0]
    return connector


def test_it_fits_the_schema_through_a_whole_session() -> None:
    """Both skins of the page read one contract."""
    rig = Rig(serve=True)
    assert board(rig)["power_w"] is None
    rig.online()
    assert board(rig)["session"] is None
    rig.charging()
    session = board(rig)["session"]
    assert isinstance(session, dict)
    assert session["energy_wh"] == 0
    assert session["stopped_at"] is None
    rig.meter(energy_wh=1250)
    rig.socket().stubborn = True
    rig.wait(20)
    rig.tap()
    session = board(rig)["session"]
    assert isinstance(session, dict)
    assert (session["energy_wh"], session["stop_reason"]) == (1250 - 1000, "Local")
    rig.wait(10)
    rig.trip(Trip.RCD)
    assert board(rig)["error_code"] == "GroundFailure"


def test_the_document_holds_no_tag_in_full() -> None:
    """Security: it is public."""
    rig = Rig(serve=True).online().charging()
    session = board(rig)["session"]
    assert isinstance(session, dict)
    assert ALICE not in json.dumps(session)


@pytest.mark.parametrize(
    ("tag", "shown"),
    [(ALICE, "…E580"), ("ABCD", "…CD"), ("AB", "…B"), ("A", "…"), ("", "…")],
)
def test_a_tag_is_never_shown_in_full(tag: str, shown: str) -> None:
    """Security: the last four at most."""
    assert masked(tag) == shown

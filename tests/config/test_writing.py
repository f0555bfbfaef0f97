"""A first edge.toml: loads, and says what a search has found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.config.loading import load
from edge.config.writing import Plan, written

PLAN = Plan(
    station='YARD "7"',
    csms="wss://csms.example/ocpp",
    has_pilot=True,
    connectors=2,
    reader="/dev/serial0",
    meters="/dev/ttyUSB0",
    model="em340",
)


@pytest.mark.parametrize("connectors", [1, 2])
def test_what_is_written_can_be_read(tmp_path: Path, connectors: int) -> None:
    """Every key is one that is known, and what was said is in it."""
    file = tmp_path / "edge.toml"
    file.write_text(written(replace(PLAN, connectors=connectors)), encoding="utf-8")
    settings = load([file])
    assert settings.station.id == 'YARD "7"'
    assert list(settings.connectors) == list(range(1, connectors + 1))
    assert settings.connectors[1].evse["pilot_pwm"] == 12
    assert settings.connectors[1].meter == {
        "kind": "modbus",
        "bus": "meters",
        "model": "em340",
        "unit": 1,
    }


def test_a_search_result_wins(tmp_path: Path) -> None:
    """What answers on the bus is better than what is usual."""
    found: dict[str, Any] = {
        "buses": {"meters": {"kind": "rtu", "port": "/dev/x", "baudrate": 19200, "parity": "E"}},
        "connectors": {"1": {"meter": {"bus": "meters", "model": "sdm630", "unit": 7}}},
    }
    file = tmp_path / "edge.toml"
    file.write_text(written(PLAN, found), encoding="utf-8")
    settings = load([file])
    assert settings.buses["meters"] == found["buses"]["meters"]
    meter = settings.connectors[1].meter
    assert meter is not None
    assert (meter["model"], meter["unit"]) == ("sdm630", 7)


def test_a_socket_has_no_pilot() -> None:
    """Its pins stay free."""
    assert "pilot_pwm" not in written(replace(PLAN, has_pilot=False))

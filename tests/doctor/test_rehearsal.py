"""A planned configuration on the simulated bay."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.loading import load
from edge.config.writing import Plan, written
from edge.doctor.rehearsal import rehearse


@pytest.mark.slow
@pytest.mark.parametrize("has_pilot", [True, False])
async def test_a_first_configuration_runs_on_the_bay(tmp_path: Path, has_pilot: bool) -> None:
    """What `config init` writes is sound in every driver, with a click of each contactor."""
    file = tmp_path / "edge.toml"
    plan = Plan(
        station="YARD-7",
        csms="ws://127.0.0.1:9000/ocpp",
        has_pilot=has_pilot,
        connectors=2,
        reader="/dev/serial0",
        meters="/dev/ttyUSB0",
        model="sdm120",
    )
    file.write_text(written(plan), encoding="utf-8")
    assert await rehearse(load([file])) == []


@pytest.mark.slow
async def test_what_only_shows_when_it_runs_is_named(tmp_path: Path) -> None:
    """A feedback that is turned round in edge.toml reads closed at rest: no table alone says so."""
    file = tmp_path / "edge.toml"
    file.write_text(
        """
        hardware = "real"
        [buses.a]
        kind = "tcp"
        host = "10.0.0.9"
        timeout_s = 0.0001
        [connectors.1.evse]
        kind = "gpio"
        coil = 17
        plug = 22
        [connectors.1.meter]
        kind = "modbus"
        bus = "a"
        model = "sdm120"
        unit = 1
        """,
        encoding="utf-8",
    )
    found = await rehearse(load([file]))
    assert [each.where for each in found] == ["connectors.1.meter"]

"""What the process itself tells: its start and end, and who comes and goes."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from tests.csms_lite.central import running


async def test_start_arrivals_departures_and_replacements_are_told(tmp_path: Path) -> None:
    """B89: one line per decision, with the charger in it."""
    with capture_logs() as lines:
        async with running(tmp_path) as central, central.station() as first:
            await first.boot()
            async with central.station() as second:
                await second.boot()
    told = [(line["event"], line.get("charger")) for line in lines]
    assert told.count(("station_arrived", "CP-1")) == 2
    for event in ("station_booted", "connection_replaced", "station_left"):
        assert (event, "CP-1") in told, event
    events = [event for event, _ in told]
    assert events.index("csms_started") < events.index("station_arrived")
    assert events[-1] == "csms_stopped"

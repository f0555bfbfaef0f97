"""The README's configuration of real hardware, played by the whole daemon on the bay's wires."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.together.edge_bench import ROOT, bench
from tests.waiting import until

pytestmark = [pytest.mark.together, pytest.mark.slow]


async def test_a_real_configuration_charges_on_the_simulated_bay(tmp_path: Path) -> None:
    """`hardware = "stand_in"`: the user's pins, unit and model; a world of the daemon's own."""
    settings, *_ = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    file = tmp_path / "edge.toml"
    file.write_text(settings)
    async with bench(tmp_path, own_world=True) as made:
        made.start("hardware=stand_in", "simulated.draw_w=7400", config=file)
        await until(lambda: "Available" in made.central.statuses(1))
        await made.sim("plug", connector=1)
        await made.wait(status="Preparing")
        await made.tap()
        await made.wait(status="Charging", contactor_closed=True, offered_a=32.0)
        await made.sim("unplug", connector=1)
        await until(lambda: made.central.payloads("StopTransaction"))
        truth = (await made.sim("world"))["connectors"]["1"]
        (stop,) = made.central.payloads("StopTransaction")
        assert stop["meterStop"] == int(truth["energy_wh"])

"""What anybody may ask without a token is asked only so often."""

from __future__ import annotations

from pathlib import Path

import pytest

from csms_lite.stations.public_api import LOOKS
from tests.csms_lite.accounts.house import housed


@pytest.mark.parametrize("path", ["", "/NOCODE42"])
async def test_looks_at_stations_are_limited_by_address(tmp_path: Path, path: str) -> None:
    """A list of all costs; and who tries codes in turn learns little. Others go on."""
    async with housed(tmp_path) as house:
        anybody = house.client(address="192.0.2.9")
        url = f"/api/public/stations{path}"
        for _ in range(LOOKS.times):
            assert (await anybody.get(url)).status_code == (404 if path else 200)
        refused = await anybody.get(url)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert (await house.client(address="192.0.2.8").get(url)).status_code != 429
        house.clock.forward(1)
        assert (await anybody.get(url)).status_code != 429

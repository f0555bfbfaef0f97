"""A charging point without a central system, mirrored to a site: its own feed is enough."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from edge.cli import main
from tests.bridge.process import bridge_process, write_config
from tests.hmi.test_site import hosting
from tests.rtdb.double import Double
from tests.together.page_alone import CARD, CODE, open_alone

pytestmark = [pytest.mark.together, pytest.mark.browser, pytest.mark.slow]

WITHIN_MS = 15_000
OPTIONS = (f"cards.{CARD}=owner", "page.name=Town Hall car park")


def test_the_edge_s_own_feed_reaches_the_site(browser: Browser, tmp_path: Path) -> None:
    """Controller, bridge, protocol double, front page, live page; the id is nowhere."""
    directory = Path(tempfile.mkdtemp(prefix="tw"))
    with (
        Double(keep_alive_s=2).running() as double,
        open_alone(directory, options=OPTIONS) as alone,
        hosting(tmp_path / "site") as url,
    ):
        told: dict[str, Any] = {"database": double.url, "stations": [CODE]}
        config = write_config(tmp_path / "bridge.toml", source=alone.page.rstrip("/"), **told)
        words = ["page", "deploy", str(tmp_path / "site"), "--url", url, "--station", CODE]
        assert main([*words, "--firebase", f"http://{double.host}"]) == 0
        page = browser.new_page(locale="en-GB")
        page.goto(url)
        with bridge_process(config, "--dev"):
            outlet = page.locator('li[data-connector="1"]')
            expect(outlet).to_have_attribute("data-status", "Available", timeout=WITHIN_MS)
            expect(page.locator("h1")).to_have_text("Town Hall car park")
            alone.bay("plug", connector=1)
            expect(outlet).to_have_attribute("data-status", "Preparing", timeout=WITHIN_MS)
            page.get_by_role("link", name="See it live").click()
            card = page.locator('article[data-connector="1"]')
            alone.bay("card", uid=CARD)
            expect(card).to_have_attribute("data-status", "Charging", timeout=WITHIN_MS)
            expect(card.locator('[data-field="tag"]')).to_have_text("…E580")
            expect(page.locator("body")).to_have_attribute("data-health", "live")
        kept = str(double.tree.get("public"))
        assert CODE in kept
        assert "TAPWATT-1" not in kept
        page.close()
    shutil.rmtree(directory)

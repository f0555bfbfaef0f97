"""From a status change to the deployed page: source, bridge, protocol double, real Chromium."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from edge.cli import main
from tests.bridge.process import bridge_process, write_config
from tests.hmi.stand_in import CODE, StandIn
from tests.hmi.story import PHONE, Station
from tests.hmi.test_site import hosting
from tests.rtdb.double import Double
from tests.waiting import until_now

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LATENCY_S = 2.0
FORGOTTEN_MS = 80_000
WITHIN_MS = 15_000


@pytest.fixture
def double() -> Iterator[Double]:
    """The protocol double of the database."""
    with Double(keep_alive_s=2).running() as running:
        yield running


@pytest.fixture
def config(tmp_path: Path, server: StandIn, double: Double) -> Path:
    """bridge.toml."""
    told = {"source": server.url, "database": double.url, "stations": [CODE]}
    return write_config(tmp_path / "bridge.toml", **told)


@pytest.fixture
def live(browser: Browser, tmp_path: Path, double: Double) -> Iterator[Page]:
    """The live page of the deployed site, which knows the database alone."""
    with hosting(tmp_path / "site") as url:
        words = ["page", "deploy", str(tmp_path / "site"), "--url", url]
        assert main([*words, "--firebase", f"http://{double.host}", "--station", CODE]) == 0
        screen: Any = {"viewport": {"width": PHONE[0], "height": PHONE[1]}, "locale": "en-GB"}
        context = browser.new_context(**screen)
        page = context.new_page()
        page.goto(f"{url}/live.html")
        yield page
        context.close()


def shows(page: Page, status: str, health: str) -> None:
    """The card has come to *status*, the page to *health*."""
    card = page.locator('[data-connector="1"]')
    expect(card).to_have_attribute("data-status", status, timeout=WITHIN_MS)
    expect(page.locator("body")).to_have_attribute("data-health", health, timeout=WITHIN_MS)


def energy(page: Page, kwh: str) -> None:
    expect(page.locator('[data-field="energy"]')).to_have_text(f"{kwh} kWh", timeout=WITHIN_MS)


def test_a_change_is_seen_within_two_seconds(
    live: Page, server: StandIn, station: Station, config: Path
) -> None:
    """From the source's word to the driver's eye; nulls and all."""
    server.say(station.document("Available"))
    with bridge_process(config, "--dev"):
        shows(live, "Available", "live")
        for status, energy_wh in (("Charging", 1000), ("SuspendedEV", 1100), ("Charging", 1200)):
            said_at = time.monotonic()
            session = station.session(energy_wh)
            server.say(station.document(status, session=session, measured_at=station.at(1)))
            shows(live, status, "live")
            energy(live, f"{energy_wh / 1000:.2f}")
            assert time.monotonic() - said_at < LATENCY_S
        server.say(station.document("Available"))
        shows(live, "Available", "live")


def test_a_database_that_was_away_is_read_again(
    live: Page, server: StandIn, station: Station, config: Path, double: Double
) -> None:
    """The last values are greyed; what was said meanwhile comes by itself."""
    server.say(station.charging(1000, 7000))
    with bridge_process(config, "--dev"):
        shows(live, "Charging", "live")
        double.stop()
        shows(live, "Charging", "offline")
        server.say(station.charging(1500, 7000))
        double.start()
        shows(live, "Charging", "live")
        energy(live, "1.50")


def test_a_dead_bridge_is_not_called_live_and_returns(
    live: Page, server: StandIn, station: Station, config: Path, double: Double
) -> None:
    """The database keeps the line alive; the bridge's proofs are what is missing."""
    server.say(station.charging(1000, 7000))
    with ExitStack() as stack:
        bridge = stack.enter_context(bridge_process(config, "--dev"))
        shows(live, "Charging", "live")
        live.clock.install()
        live.reload()
        shows(live, "Charging", "live")
        bridge.send_signal(signal.SIGKILL)
        bridge.wait()
        for _ in range(4):
            live.clock.run_for(FORGOTTEN_MS // 4)
        shows(live, "Charging", "offline")
        expect(live.locator('[data-field="outlook"]')).to_contain_text(re.compile("lost"))
        server.say(station.charging(1800, 7000))
        stack.enter_context(bridge_process(config, "--dev"))
        until_now(lambda: double.tree.get(f"public/{CODE}/status/sequence") == station.sequence, 15)
        shows(live, "Charging", "live")
        energy(live, "1.80")


def test_a_lagging_source_and_a_dismissed_station(
    live: Page, server: StandIn, station: Station, config: Path, double: Double
) -> None:
    """Nothing older is shown; what is taken away in the database leaves the page."""
    older = station.charging(900, 7000)
    server.say(station.charging(1000, 7000))
    with bridge_process(config, "--dev"):
        shows(live, "Charging", "live")
        server.say(older)
        server.say(station.charging(1100, 7000))
        energy(live, "1.10")
    double.tamper(f"public/{CODE}", None)
    expect(live.locator("body")).to_have_attribute("data-health", "offline", timeout=WITHIN_MS)

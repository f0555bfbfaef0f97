"""The driver's page in a real Chromium, on central system, bay and controller as processes."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from edge.cli.installation import CARDS, NAME, Installation, open_installation

pytestmark = [pytest.mark.together, pytest.mark.browser, pytest.mark.slow]

OPTIONS = (
    "ocpp.MeterValueSampleInterval=1",
    "csms.backoff_first_s=0.2",
    "policy.start_stop_dead_time_s=0",
    "policy.stop_start_dead_time_s=0",
    "page.listen=127.0.0.1:0",
)
WITHIN_MS = 10_000


@pytest.fixture
def installation() -> Iterator[Installation]:
    """Three processes, as the demo runs them."""
    directory = Path(tempfile.mkdtemp(prefix="tw"))
    with open_installation(directory, print, options=OPTIONS) as opened:
        yield opened
    shutil.rmtree(directory)


@pytest.fixture
def page(browser: Browser, installation: Installation) -> Iterator[Page]:
    """The page, open at the station."""
    opened = browser.new_page(locale="en-GB", viewport={"width": 360, "height": 740})
    opened.set_default_timeout(WITHIN_MS)
    opened.goto(installation.central.page)
    yield opened
    opened.close()


def shows(page: Page, status: str, health: str) -> None:
    """Connector 1 has come to *status*, the page to *health*."""
    expect(card_of(page)).to_have_attribute("data-status", status, timeout=WITHIN_MS)
    expect(page.locator("body")).to_have_attribute("data-health", health, timeout=WITHIN_MS)


def card_of(page: Page) -> Locator:
    return page.locator('[data-connector="1"]')


def field(page: Page, name: str) -> Locator:
    return card_of(page).locator(f'[data-field="{name}"]')


def energy_kwh(page: Page) -> float:
    found = re.match(r"[\d.]+", field(page, "energy").inner_text())
    assert found
    return float(found[0])


def closed(installation: Installation) -> dict[str, Any] | None:
    (session,) = installation.central.ask("GET", "/api/sessions")
    return session if session["state"] == "closed" else None


def test_a_session_is_seen_live_from_plug_to_unplug(page: Page, installation: Installation) -> None:
    """What the driver sees follows what the car, the card, the line and the meter do."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    shows(page, "Available", "live")
    expect(page.locator("h1")).to_have_text(NAME)
    expect(field(page, "price")).to_have_text("€0.42 per kWh")

    installation.bay("plug", connector=1)
    shows(page, "Preparing", "live")

    installation.bay("card", uid=CARDS[0])
    shows(page, "Charging", "live")
    expect(field(page, "tag")).to_have_text("…E580")
    expect(field(page, "power")).to_have_text("7.4 kW", timeout=WITHIN_MS)
    expect(field(page, "energy")).to_have_text(re.compile(r"0\.0[1-9] kWh"), timeout=WITHIN_MS)
    seen_kwh = energy_kwh(page)
    expect(field(page, "energy")).not_to_have_text(f"{seen_kwh:.2f} kWh", timeout=WITHIN_MS)
    assert energy_kwh(page) > seen_kwh

    installation.bay("net", mode="down")
    shows(page, "Charging", "stale")
    expect(page.locator('[data-field="outlook"]')).to_contain_text("last heard at")
    expect(field(page, "age")).to_have_attribute("data-old", "true")
    left_kwh = energy_kwh(page)
    installation.until(connectors__1__session__energy_wh={"gte": left_kwh * 1000 + 11})
    assert energy_kwh(page) == left_kwh

    installation.bay("net", mode="up")
    shows(page, "Charging", "live")
    expect(field(page, "energy")).not_to_have_text(f"{left_kwh:.2f} kWh", timeout=WITHIN_MS)

    installation.bay("card", uid=CARDS[0])
    shows(page, "Finishing", "live")
    expect(field(page, "state")).to_have_text("Finished")
    expect(card_of(page)).to_contain_text("You can unplug now.")
    session = installation.central.until("closed session", lambda: closed(installation), 10)
    expect(field(page, "energy")).to_have_text(f"{session['energy_wh'] / 1000:.2f} kWh")
    expect(field(page, "cost")).to_have_text(f"€{session['cost_minor'] / 100:.2f}")

    installation.bay("unplug", connector=1)
    shows(page, "Available", "live")
    assert errors == []


def test_a_bill_comes_from_the_central_system_to_the_screen(
    browser: Browser, installation: Installation
) -> None:
    """Said by DataTransfer after the end; drawn by the charging point, and by nobody else."""
    installation.bay("plug", connector=1)
    installation.bay("card", uid=CARDS[0])
    installation.until(connectors__1__status="Charging")
    installation.bay("card", uid=CARDS[0])
    session = installation.central.until("closed session", lambda: closed(installation), 10)
    said = {
        "transactionId": session["transaction_id"],
        "cost": 3.31,
        "priceText": "Thank you",
        "qrCodeText": "https://bills.example/4711",
    }
    payload = {
        "vendorId": "org.openchargealliance.costmsg",
        "messageId": "FinalCost",
        "data": json.dumps(said),
    }
    order = {"action": "DataTransfer", "payload": payload}
    path = f"/api/chargers/{session['charger']}/commands?wait=10"
    assert installation.central.ask("POST", path, order)["result"]["status"] == "Accepted"

    screen = browser.new_page(locale="en-GB", viewport={"width": 800, "height": 480})
    screen.goto(f"{installation.page}?kiosk=1")
    expect(field(screen, "cost")).to_have_text("3.31", timeout=WITHIN_MS)
    picture = card_of(screen).locator(".bill img")
    expect(picture).to_be_visible()
    expect(picture).not_to_have_js_property("naturalWidth", 0)
    screen.goto(installation.central.page)
    shows(screen, "Finishing", "live")
    expect(screen.locator("img")).to_have_count(0)
    screen.close()

"""The page of the charging point itself in a real Chromium, with no network but the loopback."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.together.page_alone import CARD, CODE, Alone, open_alone

pytestmark = [pytest.mark.together, pytest.mark.browser, pytest.mark.slow]

SCHEMA = json.loads((Path(__file__).parents[2] / "hmi/status.schema.json").read_text("utf-8"))
WITHIN_MS = 10_000
AT_ONCE_MS = 300  # 50 to 90 here; what a driver takes for at once
CUT_OFF = [
    "--no-sandbox",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>;127.0.0.1",
]
"""No name is resolved, and whatever goes beyond this computer meets a proxy that is not there."""
OPTIONS = (
    f"cards.{CARD}=owner",
    "page.name=Town Hall car park",
    "page.public_url=https://charge.example.org/live.html",
    "policy.start_stop_dead_time_s=0",
)


@pytest.fixture
def alone() -> Iterator[Alone]:
    """Bay and controller; the central system is nowhere."""
    directory = Path(tempfile.mkdtemp(prefix="tw"))
    with open_alone(directory, options=OPTIONS) as opened:
        yield opened
    shutil.rmtree(directory)


@pytest.fixture
def cut_off(browser: Browser, chromium: str) -> Iterator[Browser]:
    """A Chromium without any network."""
    launched = browser.browser_type.launch(executable_path=chromium, args=CUT_OFF)
    yield launched
    launched.close()


def card_of(page: Page) -> Locator:
    return page.locator('[data-connector="1"]')


def shows(page: Page, status: str, health: str) -> None:
    expect(card_of(page)).to_have_attribute("data-status", status, timeout=WITHIN_MS)
    expect(page.locator("body")).to_have_attribute("data-health", health, timeout=WITHIN_MS)


def test_the_screen_shows_a_whole_session_with_no_network_at_all(
    alone: Alone, cut_off: Browser
) -> None:
    """From plug to unplug; nothing is asked of anybody else, and nobody else could be."""
    page = cut_off.new_page(locale="en-GB", viewport={"width": 800, "height": 480})
    errors: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
    page.goto(f"{alone.page}?kiosk=1")
    shows(page, "Available", "live")
    expect(page.locator("h1")).to_have_text("Town Hall car park")
    expect(page.locator('[data-kind="alone"]')).to_contain_text("operator cannot be reached")
    why = page.locator('[data-field="why"]')
    expect(why).to_have_text("No way leads there from here.", timeout=WITHIN_MS)
    expect(page.locator(".qr img")).to_be_visible()
    assert page.locator(".qr img").evaluate("image => image.naturalWidth > 0")

    alone.bay("plug", connector=1)
    shows(page, "Preparing", "live")
    alone.bay("card", uid=CARD)
    shows(page, "Charging", "live")
    expect(page.locator('[data-connector="1"] [data-field="tag"]')).to_have_text("…E580")
    power = page.locator('[data-connector="1"] [data-field="power"]')
    expect(power).to_have_text("7.4 kW", timeout=WITHIN_MS)
    energy = page.locator('[data-connector="1"] [data-field="energy"]')
    expect(energy).to_have_text(re.compile(r"0\.0[1-9] kWh"), timeout=WITHIN_MS)
    alone.bay("card", uid=CARD)
    shows(page, "Finishing", "live")
    alone.bay("unplug", connector=1)
    shows(page, "Available", "live")

    assert errors == []
    assert set(asked) == {urlsplit(alone.page).netloc}
    beyond = "fetch('https://example.org/').then(() => 'reached', () => 'cut off')"
    elsewhere = cut_off.new_page()
    assert elsewhere.evaluate(beyond) == "cut off"


def test_a_controller_that_returns_is_believed(alone: Alone, cut_off: Browser) -> None:
    """The screen says that it is old, then goes on by itself; the numbers rose over the restart."""
    page = cut_off.new_page(locale="en-GB", viewport={"width": 800, "height": 480})
    page.goto(f"{alone.page}?kiosk=1")
    alone.bay("plug", connector=1)
    shows(page, "Preparing", "live")
    before = alone.status()
    jsonschema.validate(before, SCHEMA)
    assert (before["source"], before["station"]["id"]) == ("edge", CODE)

    alone.end_edge()
    shows(page, "Preparing", "offline")
    expect(page.locator('[data-field="outlook"]')).to_contain_text("Connection lost at")
    alone.bay("unplug", connector=1)
    alone.start_edge()
    shows(page, "Available", "live")
    assert alone.status()["sequence"] > before["sequence"]


def test_a_refused_card_is_answered_on_the_screen_at_once(
    alone: Alone, cut_off: Browser, record_property: Callable[[str, object], None]
) -> None:
    """Its driver looks there; the idle numbers have not used the second up."""
    page = cut_off.new_page(locale="en-GB", viewport={"width": 800, "height": 480})
    page.goto(f"{alone.page}?kiosk=1")
    alone.bay("plug", connector=1)
    shows(page, "Preparing", "live")
    page.evaluate(
        "new MutationObserver(() => {"
        " if (document.body.textContent.includes('not accepted')) window.seenAt ??= Date.now();"
        " }).observe(document.body, {subtree: true, childList: true, characterData: true})"
    )
    # Nobody takes his card out in the very second in which he plugged in.
    expect(card_of(page)).to_contain_text(re.compile(r"[1-4] sec.? ago"), timeout=WITHIN_MS)
    tapped_at = page.evaluate("Date.now()")
    alone.bay("card", uid="DEADBEEF")
    expect(card_of(page)).to_contain_text("The card is not accepted", timeout=WITHIN_MS)
    took_ms = page.evaluate("window.seenAt") - tapped_at
    record_property("from tap to screen", took_ms)
    assert took_ms < AT_ONCE_MS

"""The station's own screen in a real Chromium: it fits, rests, stays awake, renews itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from edge.hmi.qr import qr_svg
from tests.hmi.stand_in import StandIn
from tests.hmi.story import APART, KIOSK, LARGE_KIOSK, SMALL_KIOSK, Station

pytestmark = [pytest.mark.browser, pytest.mark.slow]

REST_MS = 60_000
SCANNED_PX = 96  # 33 modules and their margin, at more than two pixels each
QR = {"feed": "edge", "qr": "qr.svg", "url": "https://charge.example.org/live.html"}


@pytest.fixture
def screened(server: StandIn) -> StandIn:
    """Who serves the screen of a charging point that is on the internet, too."""
    server.config = QR
    server.qr = qr_svg(QR["url"])
    return server


@pytest.mark.parametrize("size", [SMALL_KIOSK, KIOSK, LARGE_KIOSK], ids=str)
@pytest.mark.parametrize("status", ["Available", "Charging", "Faulted"])
def test_all_fits_when_the_station_is_alone(
    open_page: Any, screened: StandIn, station: Station, size: tuple[int, int], status: str
) -> None:
    """The strip that says so, the longest why and the QR code take nothing out of sight."""
    session = station.session(12_345) if status == "Charging" else None
    error = "GroundFailure" if status == "Faulted" else "NoError"
    document = station.alone(
        status, session=session, error_code=error, power_w=7380, measured_at=station.at(1)
    )
    document["station"]["offline"] = "the central system has us wait: too many tries"
    first = document["connectors"][0]
    document["connectors"] = [first, first | {"connector": 2}]
    screened.say(document)
    for language in ("en", "de", "fr"):
        seen = open_page(size, f"?kiosk=1&lang={language}")
        seen.shows(status, "live")
        expect(seen.page.locator(".qr")).to_be_visible(visible=size != SMALL_KIOSK)
        why = seen.page.locator('[data-field="why"]')
        expect(why).to_contain_text(": the central system has us wait: too many tries")
        expect(why).to_be_in_viewport(ratio=1)
        wanted = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        width, height = seen.page.evaluate(wanted)
        assert width <= size[0]
        assert height <= size[1]
        cut = seen.page.evaluate(
            "[...document.querySelectorAll('.card')]"
            ".filter(c => c.scrollHeight > c.clientHeight + 1).length"
        )
        assert cut == 0
        assert seen.errors == []


@pytest.mark.parametrize("size", [SMALL_KIOSK, KIOSK, LARGE_KIOSK], ids=str)
@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_a_bill_fits_beside_what_it_is_for(
    open_page: Any, screened: StandIn, station: Station, size: tuple[int, int], language: str
) -> None:
    """Large enough for a camera, also when the line broke, and after the cable is out."""
    screened.bill = qr_svg("https://bills.example/i/4711-abcdefghijkl")
    document = station.billed()
    document["station"] |= {"online": False, "offline": APART}
    first = document["connectors"][0]
    document["connectors"] = [first, first | {"connector": 2, "cost": None}]
    screened.say(document)
    seen = open_page(size, f"?kiosk=1&lang={language}")

    def fits(*parts: str) -> None:
        picture = seen.card().locator(".bill img")
        expect(picture).not_to_have_js_property("naturalWidth", 0)
        box = picture.bounding_box()
        assert box["width"] == box["height"] >= SCANNED_PX
        for part in (".bill", *parts):
            expect(seen.card().locator(part)).to_be_in_viewport(ratio=1)
        assert seen.page.evaluate("document.documentElement.scrollHeight") <= size[1]
        spilled = "[...document.querySelectorAll('.card, .card *')].filter("
        spilled += "one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)"
        assert seen.page.evaluate(f"{spilled}.map(one => one.className)") == []

    seen.shows("Finishing", "live")
    fits('[data-field="energy"]', '[data-field="cost"]')
    document["connectors"][0]["session"] = None
    screened.say(document | {"sequence": document["sequence"] + 1})
    expect(seen.field("energy")).to_have_count(0)
    fits('[data-field="cost"]')
    document["connectors"][0]["status"] = "Available"
    screened.say(document | {"sequence": document["sequence"] + 2})
    seen.shows("Available", "live")
    fits('[data-field="cost"]', ".invite span")
    assert seen.errors == []


def test_a_station_that_speaks_for_itself_is_live_without_its_central_system(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """What it says of itself is no old news; the same words from csms_lite would be."""
    server.say(station.alone("Available"))
    seen = open_page(KIOSK, "?kiosk=1")
    seen.shows("Available", "live")
    expect(seen.field("price")).to_be_hidden()
    server.say(station.document("Available", online=False) | {"at": station.at(-1)})
    seen.shows("Available", "stale")


def test_the_screen_comes_back_to_its_own_language(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """A minute after the last touch; each touch begins the minute anew."""
    server.say(station.document("Available"))
    seen = open_page(KIOSK, "?kiosk=1&lang=de")
    expect(seen.field("state")).to_have_text("Frei")
    seen.page.clock.install()
    seen.page.get_by_role("link", name="Italiano").click()
    expect(seen.page.locator("html")).to_have_attribute("lang", "it")
    seen.page.get_by_role("link", name="English").click()
    expect(seen.field("state")).to_have_text("Available")
    seen.page.clock.fast_forward(REST_MS - 1000)
    seen.page.mouse.click(5, 5)
    seen.page.clock.fast_forward(REST_MS - 1000)
    expect(seen.page.locator("html")).to_have_attribute("lang", "en")
    seen.page.clock.fast_forward(1000)
    expect(seen.page.locator("html")).to_have_attribute("lang", "de")
    assert urlsplit(seen.page.url).query == "kiosk=1&lang=de"
    assert seen.errors == []


def test_nothing_on_the_screen_leads_away(
    open_page: Any, screened: StandIn, station: Station
) -> None:
    """Every link is the page itself; a long press opens no menu."""
    screened.say(station.charging(1234, 7380))
    seen = open_page(KIOSK, "?kiosk=1")
    seen.shows("Charging", "live")
    here = seen.page.url.partition("?")[0]
    led = seen.page.locator("a").evaluate_all("all => all.map(one => one.href)")
    assert led
    assert {address.partition("?")[0] for address in led} == {here}
    assert all("kiosk=1" in address for address in led)
    is_open = "dispatchEvent(new Event('contextmenu', {cancelable: true, bubbles: true}))"
    assert seen.page.evaluate(f"document.body.{is_open}") is False


def test_the_screen_is_kept_awake(open_page: Any, server: StandIn, station: Station) -> None:
    """The browser is asked for it, again whenever the page is seen again; a no breaks nothing."""
    server.say(station.document("Available"))
    seen = open_page(KIOSK)
    seen.page.add_init_script(
        "window.asked = []; navigator.wakeLock.request = async (what) => {"
        " window.asked.push(what); throw new DOMException('no', 'NotAllowedError'); };"
    )
    seen.page.reload()
    seen.shows("Available", "live")
    assert seen.page.evaluate("window.asked") == []
    seen.page.goto(f"{seen.page.url}?kiosk=1")
    seen.shows("Available", "live")
    assert seen.page.evaluate("window.asked") == ["screen"]
    seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))")
    assert seen.page.evaluate("window.asked") == ["screen", "screen"]
    assert seen.errors == []


def test_the_screen_follows_an_update_and_stays_on_a_mere_reconnect(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """Nobody goes round with a keyboard: other pages behind the line, and it loads them."""
    server.config = {"feed": "csms", "pages": "old"}
    server.say(station.document("Available"))
    seen = open_page(KIOSK, "?kiosk=1")
    seen.shows("Available", "live")
    seen.page.evaluate("window.isTheSame = true")

    def reconnect() -> None:
        server.cut()
        seen.shows("Available", "offline")
        server.mend()
        with seen.page.expect_response("**/hmi/config.json"):
            seen.page.get_by_role("button", name="Try now").click()
        seen.shows("Available", "live")

    reconnect()
    assert seen.page.evaluate("window.isTheSame") is True
    server.config = {"feed": "csms", "pages": "new"}
    with seen.page.expect_navigation():
        reconnect()
    seen.shows("Available", "live")
    assert seen.page.evaluate("window.isTheSame") is None

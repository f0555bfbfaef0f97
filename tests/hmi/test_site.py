"""The deployed site in a real Chromium: front page, live page, on another host than its feed."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
)

from edge.cli import main
from tests.hmi.stand_in import CODE, StandIn
from tests.hmi.story import PHONE, Station
from tests.hmi.test_looks import FINGER_PX

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")


class Quiet(SimpleHTTPRequestHandler):
    """Any host of static files: it sets no header of ours."""

    def log_message(self, *args: object) -> None:
        """The test's own words are enough."""


@contextmanager
def hosting(root: Path) -> Iterator[str]:
    """Serve the files below *root*; gives the address."""
    host = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root)))
    host.daemon_threads = True
    thread = threading.Thread(target=host.serve_forever, name="host")
    thread.start()
    try:
        yield f"http://127.0.0.1:{host.server_port}"
    finally:
        host.shutdown()
        host.server_close()
        thread.join()


@pytest.fixture
def site(tmp_path: Path, server: StandIn) -> Iterator[str]:
    """The site in a folder of its host, fed by the stand-in on another port."""
    with hosting(tmp_path) as host:
        url = f"{host}/charge/town/"
        words = ["page", "deploy", str(tmp_path / "charge" / "town"), "--url", url]
        told = ["--name", "Town Hall", "--connector", "1=Type 2, 22 kW", "--connector", "2=Schuko"]
        assert main([*words, "--csms", server.url, "--station", CODE, *told]) == 0
        yield url


class Visitor:
    """Opens pages of the site; what went wrong, and who else was asked, is in `errors`."""

    def __init__(self, browser: Browser, site: str, allowed: set[str]) -> None:
        self.errors: list[str] = []
        self._browser = browser
        self._site = site
        self._allowed = allowed
        self._opened: list[BrowserContext] = []

    def __call__(self, path: str = "", **more: Any) -> Page:
        """Open *path* of the site on a telephone."""
        screen: Any = {"viewport": {"width": PHONE[0], "height": PHONE[1]}, "locale": "en-GB"}
        context = self._browser.new_context(**screen, **more)
        self._opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._hear)
        page.on("request", self._see)
        page.goto(self._site + path)
        return page

    def leave(self) -> None:
        for context in self._opened:
            context.close()

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.errors.append(said.text)

    def _see(self, asked: Request) -> None:
        if urlsplit(asked.url).netloc not in self._allowed:
            self.errors.append(asked.url)


@pytest.fixture
def visit(browser: Browser, server: StandIn, site: str) -> Iterator[Visitor]:
    """A driver with a telephone."""
    visitor = Visitor(browser, site, {urlsplit(site).netloc, urlsplit(server.url).netloc})
    yield visitor
    visitor.leave()


def outlet(page: Page, number: int) -> Locator:
    return page.locator(f'li[data-connector="{number}"]')


def test_the_front_leads_to_the_live_page(
    visit: Visitor, server: StandIn, station: Station
) -> None:
    """QR code, three steps, each connector with its plug and state."""
    server.say(station.charging(1234, 7380))
    page = visit()
    expect(page).to_have_title("Town Hall car park · Tapwatt")
    expect(page.locator("h1")).to_have_text("Town Hall car park")
    expect(page.locator("ol.steps li")).to_have_count(3)
    drawn = page.locator(".qr img")
    expect(drawn).to_be_visible()
    assert drawn.evaluate("image => image.complete && image.naturalWidth > 0")
    expect(outlet(page, 1)).to_contain_text("Connector 1 · Type 2, 22 kW")
    expect(outlet(page, 1)).to_have_attribute("data-status", "Charging")
    expect(outlet(page, 1).locator('[data-field="state"]')).to_have_text("Charging")
    expect(outlet(page, 2)).to_contain_text("Connector 2 · Schuko")
    expect(outlet(page, 2)).to_have_attribute("data-status", "Unknown")

    server.say(station.document("Available"))
    expect(outlet(page, 1)).to_have_attribute("data-status", "Available")
    page.get_by_role("link", name="See it live").click()
    expect(page.locator('article[data-connector="1"]')).to_have_attribute(
        "data-status", "Available"
    )
    expect(page.locator("body")).to_have_attribute("data-health", "live")
    assert visit.errors == []


def test_the_front_works_without_its_feed_and_says_so(
    visit: Visitor, server: StandIn, station: Station
) -> None:
    """No state is claimed that nobody tells; steps, plugs and the way on are there."""
    server.say(station.charging(1234, 7380))
    page = visit()
    expect(outlet(page, 1)).to_have_attribute("data-status", "Charging")
    server.cut()
    expect(page.locator('[data-field="outlook"]')).to_contain_text("cannot be told now")
    expect(outlet(page, 1)).to_have_attribute("data-status", "Unknown")
    fresh = visit()
    expect(fresh.locator("h1")).to_have_text("Town Hall")
    expect(fresh.locator('[data-field="outlook"]')).to_contain_text("cannot be told now")
    expect(fresh.locator("#spoken")).to_contain_text("cannot be told now")
    expect(outlet(fresh, 2)).to_contain_text("Schuko")
    expect(fresh.locator("ol.steps li")).to_have_count(3)
    server.mend()
    fresh.reload()
    expect(outlet(fresh, 1)).to_have_attribute("data-status", "Charging")


@pytest.mark.parametrize("language", ["en", "de", "fr", "it", "id", "hi"])
def test_the_front_speaks_all_languages_and_carries_them_on(
    visit: Visitor, server: StandIn, station: Station, language: str
) -> None:
    """Nothing is left in another language, and the live page goes on in the same."""
    server.say(station.document("Available"))
    page = visit(f"?lang={language}")
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert "landing." not in page.locator("#page").inner_text()
    outlet(page, 1).locator("a").click()
    expect(page.locator('article[data-connector="1"]')).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert visit.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_front_can_be_used_by_everybody(
    visit: Visitor, server: StandIn, station: Station, scheme: Any
) -> None:
    """Contrast, size for fingers, names, and the keyboard alone."""
    server.say(station.document("Available"))
    page = visit(color_scheme=scheme)
    expect(outlet(page, 1)).to_have_attribute("data-status", "Available")
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    for target in page.locator("a").all():
        box = target.bounding_box()
        assert box
        assert box["width"] >= FINGER_PX
        assert box["height"] >= FINGER_PX
        assert target.inner_text().strip()
    headings = page.locator("h1, h2").evaluate_all("all => all.map(one => one.tagName)")
    assert headings == ["H1", "H2", "H2"]
    reached = []
    for _ in page.locator("a").all():
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
    assert reached[0].startswith("live.html?")
    assert reached[1].startswith("live.html?")
    assert "connector=1" in reached[1]
    page.keyboard.press("Shift+Tab")
    server.cut()
    expect(page.locator('[data-field="outlook"]')).to_be_visible()
    assert page.evaluate(CONTRAST) == []


def test_a_name_of_the_station_s_never_becomes_markup(
    visit: Visitor, server: StandIn, station: Station
) -> None:
    """The front draws by text nodes, too."""
    document = station.document("Available")
    document["station"]["name"] = "<img src=x onerror=alert(1)>"
    server.say(document)
    page = visit()
    expect(page.locator("h1")).to_have_text("<img src=x onerror=alert(1)>")
    expect(page.locator("img")).to_have_count(1)


def test_the_policy_of_the_page_itself_reaches_the_feed_alone(
    visit: Visitor, server: StandIn, station: Station
) -> None:
    """A host that sets no headers: the meta tag stands in for them."""
    server.say(station.document("Available"))
    page = visit()
    with hosting(Path(__file__).parent) as stranger:
        reached = page.evaluate(
            "url => fetch(url).then(() => 'reached', () => 'refused')", f"{stranger}/story.py"
        )
    assert reached == "refused"
    assert page.evaluate("url => fetch(url).then(() => 'reached')", f"{server.url}/hmi/icon.svg")

"""The driver page in a real Chromium, fed by a server that the test speaks through."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from edge.hmi.qr import qr_svg
from tests.hmi.stand_in import CODE, StandIn
from tests.hmi.story import Station

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOT_OLD_S = 20


def test_a_session_is_shown_from_tap_to_cable_out(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """Idle, preparing, charging, finished, fault: each in words, with its values."""
    server.say(station.document("Available"))
    seen = open_page()
    seen.shows("Available", "live")
    expect(seen.field("state")).to_have_text("Available")
    expect(seen.field("price")).to_have_text("€0.49 per kWh")
    expect(seen.card()).to_contain_text("Plug in, then tap your card.")
    expect(seen.page).to_have_title("Town Hall car park · Tapwatt")

    server.say(station.document("Preparing"))
    seen.shows("Preparing", "live")

    server.say(station.charging(1234, 7380))
    seen.shows("Charging", "live")
    expect(seen.field("tag")).to_have_text("…E580")
    expect(seen.field("power")).to_have_text("7.4 kW")
    expect(seen.field("energy")).to_have_text("1.23 kWh")
    expect(seen.field("cost")).to_have_text("€0.60 estimate")
    expect(seen.field("age")).to_contain_text(re.compile(r"Measured \d sec ago"))
    expect(seen.page.locator("#spoken")).to_have_text("Connector 1: Charging.")
    began = seen.field("duration").inner_text()
    assert re.fullmatch(r"10:\d\d", began)

    server.say(station.charging(2500, 11040))
    expect(seen.field("power")).to_have_text("11.0 kW")
    expect(seen.field("energy")).to_have_text("2.50 kWh")
    expect(seen.field("duration")).not_to_have_text(began)

    server.say(station.document("Finishing", session=station.session(2510, is_over=True)))
    seen.shows("Finishing", "live")
    expect(seen.field("state")).to_have_text("Finished")
    expect(seen.card()).to_contain_text("You can unplug now.")
    expect(seen.field("cost")).to_have_text("€1.22")
    expect(seen.field("duration")).to_have_text("10:00")

    server.say(station.document("Faulted", error_code="GroundFailure", info="RCD tripped"))
    seen.shows("Faulted", "live")
    expect(seen.field("fault")).to_contain_text("GroundFailure · RCD tripped")
    assert seen.errors == []
    assert seen.strangers == []


def test_a_lost_line_greys_the_last_values_and_mends_itself(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """Honest staleness: values stay, with their time, until news comes."""
    server.say(station.charging(1234, 7380))
    seen = open_page()
    seen.shows("Charging", "live")
    live_colour = seen.field("state").evaluate("e => getComputedStyle(e).color")

    server.cut()
    seen.shows("Charging", "offline")
    expect(seen.page.locator('[data-field="outlook"]')).to_contain_text("Connection lost at")
    expect(seen.field("energy")).to_have_text("1.23 kWh")
    expect(seen.field("age")).to_have_attribute("data-old", "true")
    expect(seen.field("age")).to_contain_text("Last known at")
    assert seen.field("state").evaluate("e => getComputedStyle(e).color") != live_colour
    expect(seen.page.locator("#spoken")).to_contain_text("Connection lost at")
    stopped = seen.field("duration").inner_text()
    expect(seen.field("age")).to_contain_text(re.compile(r"\([3-9] sec"))
    expect(seen.field("duration")).to_have_text(stopped)

    server.last = station.charging(1300, 7400)
    server.mend()
    seen.page.get_by_role("button", name="Try now").click()
    seen.shows("Charging", "live")
    expect(seen.field("energy")).to_have_text("1.30 kWh")
    expect(seen.page.locator(".banner")).to_have_count(0)
    refused = [said for said in seen.errors if "net::ERR_" not in said]
    assert refused == []


def test_a_line_that_says_nothing_is_not_called_live(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """A half-open line gives no error: silence itself is the sign."""
    server.say(station.charging(1234, 7380))
    seen = open_page()
    seen.shows("Charging", "live")
    # Only this page's clock is put forward: the line to the real server stays open and quiet.
    seen.page.clock.install()
    seen.page.reload()
    seen.shows("Charging", "live")
    seen.page.clock.fast_forward(NOT_OLD_S * 1000 + 500)
    seen.shows("Charging", "offline")


def test_a_silent_station_is_stale_though_the_line_is_well(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """The page tells the station's silence from its own."""
    server.say(station.charging(1234, 7380, online=False))
    seen = open_page()
    seen.shows("Charging", "stale")
    expect(seen.page.locator('[data-field="outlook"]')).to_contain_text("last heard at")
    expect(seen.field("duration")).to_have_text("8:25")
    server.say(station.charging(1300, 7380))
    seen.shows("Charging", "live")
    assert seen.errors == []


def test_an_old_measurement_is_marked_on_a_healthy_line(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """No number older than twenty seconds without a mark."""
    document = station.charging(1234, 7380)
    document["connectors"][0]["measured_at"] = station.at(NOT_OLD_S + 2)
    server.say(document)
    seen = open_page()
    seen.shows("Charging", "live")
    expect(seen.field("age")).to_have_attribute("data-old", "true")


def test_an_older_document_never_replaces_a_newer_one(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """Feeds may overtake one another; the sequence decides."""
    older = station.charging(1000, 3000)
    newer = station.charging(2000, 6000)
    newest = station.charging(3000, 9000)
    server.say(newer)
    seen = open_page()
    expect(seen.field("energy")).to_have_text("2.00 kWh")
    server.say(older)
    server.say(newest | {"sequence": newer["sequence"]})
    # A mark after both: once it is shown, they have been read and refused.
    server.say(
        newer | {"sequence": newest["sequence"], "station": newer["station"] | {"name": "Mark"}}
    )
    expect(seen.page.locator("h1")).to_have_text("Mark")
    expect(seen.field("energy")).to_have_text("2.00 kWh")


def test_what_a_station_says_never_becomes_markup(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """Text nodes only: a station's words are words."""
    evil = "<img src=x onerror=alert(1)>"
    document = station.document("Faulted", error_code="OtherError", info=evil)
    document["station"]["name"] = evil
    server.say(document)
    seen = open_page()
    expect(seen.field("fault")).to_contain_text(evil)
    expect(seen.page.locator("h1")).to_have_text(evil)
    expect(seen.page.locator("img")).to_have_count(0)
    assert seen.errors == []


def test_garbage_on_the_line_leaves_the_picture_alone(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """A document that is none is not shown and stops nothing."""
    server.say(station.charging(1234, 7380))
    seen = open_page()
    seen.shows("Charging", "live")
    server.say({"sequence": 9999, "version": 1, "at": "soon"})
    server.say(station.charging(1500, 7380))
    expect(seen.field("energy")).to_have_text("1.50 kWh")
    assert seen.errors == []


def test_an_unknown_code_is_said(open_page: Any, server: StandIn) -> None:
    """A mistyped sticker gets a sentence, not a spinner."""
    seen = open_page()
    seen.page.goto(f"{server.url}/c/NOBODY00")
    expect(seen.page.locator('[data-field="outlook"]')).to_contain_text("NOBODY00")
    expect(seen.page.locator("body")).to_have_attribute("data-health", "offline")


def test_the_driver_reads_their_own_language(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """The browser's wish first, ?lang= above it; the page says which it speaks."""
    server.say(station.charging(1234, 7380))
    seen = open_page(locale="de-DE")
    expect(seen.field("state")).to_have_text("Lädt")
    expect(seen.field("energy")).to_have_text("1,23 kWh")
    expect(seen.page.locator("html")).to_have_attribute("lang", "de")
    seen.page.get_by_role("link", name="Italiano").click()
    expect(seen.field("state")).to_have_text("In carica")


COMES_TO = """pairs => new Promise(done => {
  const look = () => {
    const card = document.querySelector('[data-connector="1"]');
    const [status, health] = pairs[0];
    if (card?.dataset.status === status && document.body.dataset.health === health) pairs.shift();
    if (pairs.length === 0) done();
  };
  new MutationObserver(() => pairs.length > 0 && look())
    .observe(document.documentElement, { attributes: true, childList: true, subtree: true });
  look();
})"""
"""Sees each change of the page: at this speed a state may be shorter than between two looks."""


def test_the_recorded_story_plays(open_page: Any, server: StandIn) -> None:
    """?replay=session needs no station; the demonstration is the real page."""
    seen = open_page(query="?replay=session&speed=20")
    pairs = [["Charging", "live"], ["Charging", "stale"], ["Finishing", "live"]]
    seen.page.evaluate(COMES_TO, pairs)
    assert seen.errors == []


def test_a_recorded_story_is_drawn_to_its_end(open_page: Any, server: StandIn) -> None:
    """Each document of two connectors, as it was told."""
    story = json.loads((Path(__file__).parents[2] / "hmi/demo/session.json").read_text("utf-8"))
    seen = open_page()
    for document in story:
        server.say(document)
        for connector in document["connectors"]:
            card = seen.page.locator(f'[data-connector="{connector["connector"]}"]')
            expect(card).to_have_attribute("data-status", connector["status"])
    assert seen.errors == []


def test_a_bill_is_drawn_as_the_station_drew_it(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """What the operator wants scanned, until the document has it no more."""
    server.bill = qr_svg("https://bills.example/4711")
    server.say(station.billed("https://bills.example/4711?a=1&b=é"))
    seen = open_page()
    seen.shows("Finishing", "live")
    picture = seen.card().locator(".bill img")
    expect(picture).to_be_visible()
    expect(picture).not_to_have_js_property("naturalWidth", 0)
    expect(seen.card()).to_contain_text("Your bill")
    first = picture.get_attribute("src")
    server.say(station.billed("https://bills.example/4712"))
    expect(picture).not_to_have_attribute("src", first)
    server.say(station.billed(None))
    expect(seen.page.locator("img")).to_have_count(0)
    assert seen.errors == []
    assert seen.strangers == []


@pytest.mark.parametrize(
    "said", ["javascript:alert(1)", "//evil.example/x.svg", "../../../x", '"><script>']
)
def test_a_bill_is_never_fetched_from_where_it_says(
    open_page: Any, server: StandIn, station: Station, said: str
) -> None:
    """The words go into a picture: no address of theirs is asked, nothing leads there."""
    server.bill = qr_svg("x")
    server.say(station.billed(said))
    seen = open_page()
    picture = seen.card().locator(".bill img")
    expect(picture).to_have_attribute(
        "src", re.compile(rf"^/api/public/stations/{CODE}/bill-1\.svg\?of=[\w.%+*-]*$")
    )
    expect(picture).to_have_js_property("complete", True)
    assert seen.strangers == []
    assert seen.errors == []


def test_a_station_that_is_alone_says_why(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """In the driver's language what somebody here could mend; the rest is for the telephone."""
    server.say(station.alone())
    seen = open_page()
    why = seen.page.locator('[data-field="why"]')
    expect(why).to_have_text("The network here wants a login first.")
    document = station.alone()
    document["station"]["offline"] = "the central system refuses our key"
    server.say(document)
    expect(why).to_have_text("Tell the operator: the central system refuses our key")
    seen.page.get_by_role("link", name="Deutsch").click()
    expect(why).to_have_text("Für den Betreiber: the central system refuses our key")
    server.say(station.alone())
    expect(why).to_have_text("Das Netz hier verlangt erst eine Anmeldung.")
    server.say(station.document("Available") | {"source": "edge", "at": station.at(-1)})
    expect(why).to_have_count(0)
    assert seen.errors == []

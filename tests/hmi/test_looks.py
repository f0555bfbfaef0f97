"""How the page looks and feels: sizes, contrast, motion, fingers, in a real Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.hmi.stand_in import StandIn
from tests.hmi.story import KIOSK, LARGE_KIOSK, PHONE, SMALL_KIOSK, Station

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FINGER_PX = 48


@pytest.mark.parametrize("size", [SMALL_KIOSK, KIOSK, LARGE_KIOSK], ids=str)
@pytest.mark.parametrize("status", ["Available", "Charging", "Finishing", "Faulted", "Unavailable"])
def test_a_kiosk_shows_all_without_scrolling(
    open_page: Any, server: StandIn, station: Station, size: tuple[int, int], status: str
) -> None:
    """Nobody scrolls at a post; two connectors fit on each of its screens."""
    session = station.session(12_345, is_over=status == "Finishing")
    more: dict[str, Any] = {"session": session} if status in {"Charging", "Finishing"} else {}
    error = "GroundFailure" if status == "Faulted" else "NoError"
    document = station.document(status, error_code=error, measured_at=station.at(1), **more)
    first = document["connectors"][0]
    document["connectors"] = [first, first | {"connector": 2}]
    server.say(document)
    seen = open_page(size, "?kiosk=1")
    seen.shows(status, "live")
    page_size = seen.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert page_size[0] <= size[0]
    assert page_size[1] <= size[1]


def test_a_phone_never_scrolls_sideways_and_may_zoom(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """360 px wide; zoom stays the reader's right."""
    server.say(station.charging(123_456, 22_000))
    seen = open_page()
    seen.shows("Charging", "live")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    wish = seen.page.locator('meta[name="viewport"]').get_attribute("content")
    assert "maximum-scale" not in wish
    assert "user-scalable" not in wish


def test_all_that_can_be_touched_is_as_large_as_a_finger(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """Links and buttons are 48 px or more both ways."""
    server.say(station.document("Available"))
    seen = open_page()
    seen.shows("Available", "live")
    server.cut()
    button = seen.page.get_by_role("button", name="Try now")
    expect(button).to_be_visible()
    for target in [button, *seen.page.locator("a").all()]:
        box = target.bounding_box()
        assert box["width"] >= FINGER_PX
        assert box["height"] >= FINGER_PX


@pytest.mark.parametrize("scheme", ["light", "dark", "kiosk"])
def test_all_words_stand_out_from_their_ground(
    open_page: Any, server: StandIn, station: Station, scheme: str
) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for every text, also when it is greyed."""
    server.say(station.document("Available", info="Bay 4"))
    query, colours = ("?kiosk=1", "light") if scheme == "kiosk" else ("", scheme)
    seen = open_page(KIOSK if scheme == "kiosk" else PHONE, query, color_scheme=colours)
    script = (Path(__file__).parent / "contrast.js").read_text("utf-8")
    for status in ["Available", "Preparing", "Charging", "Finishing", "Faulted", "Unavailable"]:
        session = station.session(1234) if status == "Charging" else None
        server.say(station.document(status, measured_at=station.at(1), session=session))
        seen.shows(status, "live")
        assert seen.page.evaluate(script) == []
    server.cut()
    seen.shows("Unavailable", "offline")
    assert seen.page.evaluate(script) == []


def test_a_reader_who_wants_rest_sees_no_motion(
    open_page: Any, server: StandIn, station: Station
) -> None:
    """prefers-reduced-motion is kept."""
    server.say(station.charging(1234, 7380))
    seen = open_page(reduced_motion="reduce")
    seen.shows("Charging", "live")
    assert seen.page.evaluate("document.getAnimations().length") == 0

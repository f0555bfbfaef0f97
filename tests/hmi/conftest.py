"""A server to speak through, and pages that are watched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.hmi.stand_in import CODE, StandIn
from tests.hmi.story import PHONE, Station, Watched


@pytest.fixture
def server() -> Iterator[StandIn]:
    """A stand-in for csms_lite, on a port of its own."""
    with StandIn().running() as running:
        yield running


@pytest.fixture
def station() -> Station:
    """Who writes the documents."""
    return Station()


@pytest.fixture
def open_page(browser: Browser, server: StandIn) -> Iterator[Any]:
    """Open the driver page: `open_page(size, query, **context)`."""
    contexts = []

    def open_one(size: tuple[int, int] = PHONE, query: str = "", **more: Any) -> Watched:
        settings = {"locale": "en-GB", "timezone_id": "UTC"} | more
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **settings)
        contexts.append(context)
        watched = Watched(context.new_page(), server)
        watched.page.goto(f"{server.url}/c/{CODE}{query}")
        return watched

    yield open_one
    for context in contexts:
        context.close()

"""What a browser test says and sees: a station's documents, and the page that shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.hmi.stand_in import CODE, StandIn

PHONE = (360, 740)
SMALL_KIOSK = (480, 320)
KIOSK = (800, 480)
LARGE_KIOSK = (1280, 800)
APART = "a web page answers, not the central system"


class Station:
    """Writes the documents of a station with one connector that a story needs."""

    def __init__(self) -> None:
        self.sequence = 100
        self.now = datetime.now(UTC)

    def at(self, seconds_ago: float) -> str:
        """A moment before the story began."""
        return (self.now - timedelta(seconds=seconds_ago)).isoformat()

    def document(self, status: str, *, online: bool = True, **connector: object) -> dict[str, Any]:
        """The next document: *connector* fields over those of an idle one."""
        self.sequence += 1
        idle = {
            "connector": 1,
            "status": status,
            "error_code": "NoError",
            "info": None,
            "since": self.at(60),
            "power_w": None,
            "measured_at": None,
            "session": None,
        }
        return {
            "version": 1,
            "source": "csms",
            "sequence": self.sequence,
            "at": self.at(0),
            "station": {
                "id": CODE,
                "name": "Town Hall car park",
                "online": online,
                "heard_at": self.at(1 if online else 95),
            },
            "tariff": {"currency": "EUR", "per_kwh_minor": 49},
            "connectors": [idle | connector],
        }

    def session(self, energy_wh: int, *, is_over: bool = False) -> dict[str, Any]:
        """A session that began ten minutes ago."""
        return {
            "tag": "…E580",
            "started_at": self.at(600),
            "stopped_at": self.at(0) if is_over else None,
            "stop_reason": "Local" if is_over else None,
            "energy_wh": energy_wh,
            "cost_minor": energy_wh * 49 // 1000,
            "cost_final": is_over,
        }

    def alone(self, status: str = "Available", **connector: object) -> dict[str, Any]:
        """The station speaks for itself, and no central system hears it."""
        document = self.document(status, online=False, **connector)
        heard = document["station"] | {"heard_at": document["at"], "offline": APART}
        return document | {"source": "edge", "tariff": None, "station": heard}

    def billed(self, qr_code_text: str | None = "https://bills.example/4711") -> dict[str, Any]:
        """The station shows what the central system told of a session that is over."""
        cost = {"price_text": "Thank you", "amount": "3.31", "final": True}
        document = self.document(
            "Finishing",
            session=self.session(6755, is_over=True) | {"cost_minor": None},
            cost=cost | {"qr_code_text": qr_code_text},
        )
        return document | {"source": "edge", "tariff": None}

    def charging(self, energy_wh: int, power_w: int, *, online: bool = True) -> dict[str, Any]:
        """Energy flows, measured a moment ago."""
        session = self.session(energy_wh)
        fresh = {"power_w": power_w, "measured_at": self.at(1), "session": session}
        return self.document("Charging", online=online, **fresh)


class Watched:
    """A page with what must not happen: errors, and requests to anybody else."""

    def __init__(self, page: Page, server: StandIn) -> None:
        self.page = page
        self.errors: list[str] = []
        self.strangers: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda said: (
                self.errors.append(said.text) if said.type in {"error", "warning"} else None
            ),
        )
        home = urlsplit(server.url).netloc
        page.on(
            "request",
            lambda asked: (
                self.strangers.append(asked.url) if urlsplit(asked.url).netloc != home else None
            ),
        )

    def card(self) -> Locator:
        """The one connector's card."""
        return self.page.locator('[data-connector="1"]')

    def field(self, name: str) -> Locator:
        """One value of the card."""
        return self.card().locator(f'[data-field="{name}"]')

    def shows(self, status: str, health: str) -> None:
        """The card has come to *status*, the page to *health*."""
        expect(self.card()).to_have_attribute("data-status", status)
        expect(self.page.locator("body")).to_have_attribute("data-health", health)

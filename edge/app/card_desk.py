"""What the control socket may ask about cards: their roles, and what is held of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edge.app import roles, traces
from edge.app.works import Works
from edge.errors import SimulationError


class CardDesk:
    """The verbs about cards; *running* gives the daemon's parts, or says that it starts yet."""

    def __init__(self, running: Callable[[], Works]) -> None:
        self._running = running

    def verbs(self) -> Mapping[str, Callable[..., Any]]:
        """By name."""
        return {
            "cards": self.list_cards,
            "card": self.change_card,
            "learn": self.learn_card,
            "held": self.list_traces,
            "erase": self.erase_traces,
        }

    def list_cards(self) -> dict[str, Any]:
        """The cards that have a role."""
        works = self._running()
        return roles.listed(works.loop.state, works.clock.now().monotonic)

    async def change_card(
        self, role: str | None = None, uid: str | None = None, alias: str | None = None
    ) -> dict[str, Any]:
        """Give a card a role, or take it away."""
        works = self._running()
        tag = works.names.of(uid) if uid is not None else alias or ""
        return await roles.change(works.loop, works.recorder, works.clock.now(), role, tag)

    async def learn_card(self, role: str) -> dict[str, Any]:
        """Give the card that comes next a role."""
        works = self._running()
        return await roles.learn(works.loop, works.recorder, works.clock.now(), role)

    async def list_traces(
        self, uid: str | None = None, alias: str | None = None, after: int = 0
    ) -> dict[str, Any]:
        """What is held of a card, a page of its sessions."""
        called = self._called(uid, alias)
        return await self._running().journal.held(called, after)

    async def erase_traces(
        self, uid: str | None = None, alias: str | None = None
    ) -> dict[str, Any]:
        """Let go of what is held of a card."""
        called, works = self._called(uid, alias), self._running()
        return await traces.erase(
            works.journal, works.loop, works.recorder, works.clock.now(), called
        )

    def _called(self, uid: str | None, alias: str | None) -> tuple[str, ...]:
        """All that a card has been called here: privacy mode may have been off once."""
        if uid is not None:
            return self._running().names.ever_of(uid)
        if not alias:  # "" is what an erased session is called
            raise SimulationError("name a card: its UID or its alias")
        return (alias,)

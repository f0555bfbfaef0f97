"""The HTTP route that gives a charger a new key."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.commands import service
from csms_lite.commands.api import Sender, shown
from csms_lite.commands.service import AUTHORIZATION_KEY
from csms_lite.gate import Operator
from csms_lite.stations.presence import Presence
from csms_lite.stations.service import station
from csms_lite.store.writer import Store


class KeyBody(BaseModel):
    """How a key is changed."""

    model_config = ConfigDict(extra="forbid")

    key: str | None = None
    """One that the charger has already; without it one is made."""
    revoke: bool = False
    """Forget the keys before at once, as for a charger that was stolen; it is not told then."""


def key_routes(
    store: Store, clock: Clock, chance: Chance, sender: Sender, presence: Presence
) -> APIRouter:
    """Make the route POST /api/chargers/{id}/key."""
    router = APIRouter(prefix="/api/chargers", tags=["chargers"])

    @router.post("/{charger}/key")
    async def rotate(charger: str, _who: Operator, body: KeyBody | None = None) -> dict[str, Any]:
        """Give a charger a new key, shown here, once.

        A connected charger is told. The old key is valid until it has come with the new one.
        """
        told = body or KeyBody()
        key = told.key or chance.key()
        known = await store.read(station, charger)
        is_told = presence.is_online(known.station_id) and not told.revoke and told.key is None
        message_id = chance.message_id()
        if is_told:
            payload = {"key": AUTHORIZATION_KEY, "value": key}
            sender.hidden.hide(message_id, "ChangeConfiguration", payload)
        command = await store.do(
            service.rotate_key,
            charger,
            key,
            salt=chance.salt(),
            message_id=message_id,
            now_ms=clock.now_ms(),
            is_told=is_told,
            only=told.revoke,
        )
        if command is not None:
            sender.ring(known.station_id)
        if told.revoke:
            presence.send_away(known.station_id)
        return {
            "id": charger,
            "key": key if told.key is None else None,
            "command": None if command is None else shown(command),
        }

    return router

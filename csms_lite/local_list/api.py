"""HTTP routes on local lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from csms_lite.clock import Clock, maybe_rfc3339
from csms_lite.gate import Operator, Viewer
from csms_lite.local_list import service
from csms_lite.local_list.rules import follows
from csms_lite.local_list.service import View
from csms_lite.store.writer import Store

WISH: Final = {True: "on", False: "off", None: None}


class FollowBody(BaseModel):
    """Whether the list follows the cards; `null` is as the setting says."""

    model_config = ConfigDict(extra="forbid")

    follow: bool | None


def local_list_routes(
    store: Store, clock: Clock, touch: Callable[[int], None], *, by_setting: bool
) -> APIRouter:
    """Make the routes under /api/chargers/ID/local-list; *touch* looks at a list anew."""
    router = APIRouter(prefix="/api/chargers", tags=["chargers"])

    async def view(charger: str) -> dict[str, Any]:
        found = await store.read(service.view, charger, clock.now_ms(), by_setting=by_setting)
        return _view(found, by_setting=by_setting)

    @router.get("/{charger}/local-list")
    async def get_local_list(charger: str, _who: Viewer) -> dict[str, Any]:
        """Show how the local list of a charger stands.

        *state* is off, unsupported, under_way, failing (tried again at *retry_at*), or in_step.
        """
        return await view(charger)

    @router.put("/{charger}/local-list")
    async def put_local_list(charger: str, body: FollowBody, _who: Operator) -> dict[str, Any]:
        """Let the list of a charger follow the cards, or leave it as it is.

        Switched on, a charger that took no list is asked again whether it does.
        """
        touch(await store.do(service.switch, charger, WISH[body.follow]))
        return await view(charger)

    return router


def _view(found: View, *, by_setting: bool) -> dict[str, Any]:
    known = found.known
    return {
        "follows": follows(known, by_setting=by_setting),
        "switch": known.wish,
        "state": found.step.state,
        "why": known.unsupported or known.problem,
        "version": known.version,
        "entries": found.entries,
        "allowed": found.allowed,
        "left_out": max(0, found.allowed - known.most),
        "longest": known.longest,
        "per_message": known.per_message,
        "failures": known.failures,
        "retry_at": maybe_rfc3339(known.retry_at_ms),
        "in_step_at": maybe_rfc3339(known.in_step_at_ms),
    }

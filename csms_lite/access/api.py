"""HTTP routes on who may charge at a charger besides the cards we know."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from csms_lite.access import service
from csms_lite.access.rules import AccessRules
from csms_lite.gate import Operator, Viewer
from csms_lite.store.writer import Store


class PolicyBody(BaseModel):
    """Only known cards, unknown ones too, or everybody; `null` is as the setting says."""

    model_config = ConfigDict(extra="forbid")

    policy: Literal["closed", "open", "free"] | None


def access_routes(store: Store, rules: AccessRules) -> APIRouter:
    """Make the routes under /api/chargers/ID/access."""
    router = APIRouter(prefix="/api/chargers", tags=["chargers"])

    @router.get("/{charger}/access")
    async def get_access(charger: str, _who: Viewer) -> dict[str, Any]:
        """Give a charger's own policy and the one in force."""
        own = await store.read(service.policy, charger)
        return {"policy": own, "in_force": own or rules.policy}

    @router.put("/{charger}/access")
    async def put_access(charger: str, body: PolicyBody, _who: Operator) -> dict[str, Any]:
        """Give a charger a policy of its own, or take it away."""
        await store.do(service.put_policy, charger, body.policy)
        return {"policy": body.policy, "in_force": body.policy or rules.policy}

    return router

"""HTTP routes on webhooks."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from csms_lite.chance import Chance
from csms_lite.clock import Clock, maybe_rfc3339, rfc3339
from csms_lite.gate import Admin
from csms_lite.jsontext import loads
from csms_lite.live.rules import KINDS
from csms_lite.store.writer import Store
from csms_lite.webhooks import service
from csms_lite.webhooks.rules import URL_MAX, Delivery, Webhook, secret_of

NUMBER_MAX: Final = 2**63 - 1
Id = Annotated[int, Field(ge=1, le=NUMBER_MAX)]


class WebhookBody(BaseModel):
    """Where to, and which kinds of changes; none named means all."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=URL_MAX)]
    kinds: Annotated[list[str], Field(max_length=len(KINDS))] = []


class StateBody(BaseModel):
    """Whether it is sent to."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["active", "paused"]


def webhook_routes(
    store: Store, clock: Clock, chance: Chance, *, is_http_allowed: bool
) -> APIRouter:
    """Make the routes on webhooks."""
    router = APIRouter(prefix="/api/webhooks", tags=["webhooks"])

    @router.post("", status_code=201)
    async def subscribe(body: WebhookBody, _who: Admin) -> dict[str, Any]:
        """Add a webhook; its secret is shown here and never again."""
        secret = secret_of(chance.token())
        added = await store.do(
            service.subscribe,
            body.url,
            body.kinds,
            secret=secret,
            is_http_allowed=is_http_allowed,
            now_ms=clock.now_ms(),
        )
        return {**_webhook(added), "secret": secret}

    @router.get("")
    async def list_webhooks(_who: Admin) -> list[dict[str, Any]]:
        """List the webhooks."""
        return [_webhook(one) for one in await store.read(service.list_webhooks)]

    @router.patch("/{webhook_id}")
    async def set_state(webhook_id: Id, body: StateBody, _who: Admin) -> dict[str, Any]:
        """Pause a webhook, or go on with it: then it hears what it missed, if it is kept yet."""
        return _webhook(await store.do(service.set_state, webhook_id, body.state))

    @router.delete("/{webhook_id}", status_code=204)
    async def remove(webhook_id: Id, _who: Admin) -> None:
        """Remove a webhook and what waits for it."""
        await store.do(service.remove, webhook_id)

    @router.get("/{webhook_id}/deliveries")
    async def list_deliveries(
        webhook_id: Id,
        _who: Admin,
        state: Literal["pending", "delivered", "dead"] | None = None,
        before: Annotated[int, Query(ge=1, le=NUMBER_MAX)] = NUMBER_MAX,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """List what was or is to be sent, newest first."""
        found = await store.read(service.list_deliveries, webhook_id, state, before, count)
        return [_delivery(one) for one in found]

    @router.post("/{webhook_id}/deliveries/retry")
    async def retry(
        webhook_id: Id,
        _who: Admin,
        delivery_id: Annotated[int | None, Query(ge=1, le=NUMBER_MAX)] = None,
    ) -> dict[str, int]:
        """Try dead deliveries again, one or all, under the ids they had."""
        revived = await store.do(service.revive, webhook_id, delivery_id, clock.now_ms())
        return {"revived": revived}

    return router


def _webhook(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.webhook_id,
        "url": webhook.url,
        "kinds": loads(webhook.kinds_json),
        "state": webhook.state,
        "created_at": rfc3339(webhook.created_at_ms),
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.delivery_id,
        "number": delivery.number,
        "kind": delivery.kind,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "due_at": rfc3339(delivery.due_at_ms) if delivery.state == "pending" else None,
        "status": delivery.status,
        "problem": delivery.problem,
        "ended_at": maybe_rfc3339(delivery.ended_at_ms),
    }

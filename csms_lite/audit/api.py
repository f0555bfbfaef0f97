"""HTTP routes on the audit trail."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from csms_lite.audit import service
from csms_lite.audit.rules import Entry
from csms_lite.clock import rfc3339
from csms_lite.gate import Admin
from csms_lite.jsontext import loads
from csms_lite.store.writer import Store

LARGEST_ID: Final = 2**63 - 1  # of SQLite's integers


def audit_routes(store: Store) -> APIRouter:
    """Make the routes on the audit trail."""
    router = APIRouter(prefix="/api/audit", tags=["audit"])

    @router.get("")
    async def list_entries(
        _who: Admin,
        account: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
        before: Annotated[int, Query(ge=1, le=LARGEST_ID)] = LARGEST_ID,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """List who did what, newest first; the next page comes *before* the last one's id."""
        return [_entry(one) for one in await store.read(service.page, account, before, count)]

    return router


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.entry_id,
        "at": rfc3339(entry.at_ms),
        "actor": entry.actor,
        "actor_account": entry.actor_id,
        "address": entry.address,
        "action": entry.action,
        "account": entry.account_id,
        "details": loads(entry.details_json),
    }

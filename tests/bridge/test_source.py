"""What the source tells of many is read one by one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from edge.bridge.source import Source
from edge.errors import FeedLost

ENDED = {
    "charger": "CP-1",
    "connector": 1,
    "id_tag": "A",
    "started_at": "2026-03-01T10:00:00.000Z",
    "stopped_at": "2026-03-01T11:00:00.000Z",
    "stop_reason": "Local",
    "energy_wh": 1000,
    "currency": "EUR",
    "cost_minor": 30,
}


def source(told: Any) -> Source:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=json.dumps(told).encode())

    transport = httpx.MockTransport(answer)
    return Source(httpx.AsyncClient(transport=transport, base_url="http://csms"), "token")


@pytest.mark.parametrize(
    "odd", [{"energy_wh": 2**60}, {"connector": 2**40}, {"stop_reason": "x" * 300}, {"id_tag": 7}]
)
async def test_one_odd_session_hides_no_other(odd: dict[str, Any]) -> None:
    """Of one charger that lies, all others' sessions were never caught up."""
    told = [ENDED, {**ENDED, **odd}, {**ENDED, "charger": "CP-2"}]
    found = await source(told).ended(datetime(2026, 1, 1, tzinfo=UTC))
    assert [one.charger for one in found] == ["CP-1", "CP-2"]


async def test_what_is_no_list_is_a_lost_feed() -> None:
    """Another server stands there."""
    with pytest.raises(FeedLost):
        await source({"detail": "x"}).ended(datetime(2026, 1, 1, tzinfo=UTC))

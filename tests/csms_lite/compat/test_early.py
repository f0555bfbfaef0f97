"""A charger that is quicker with its deed than with its answer, before the older systems."""

from __future__ import annotations

import asyncio

from tests.csms_lite.central import Central
from tests.csms_lite.charging.driver import CARD, now, ready


async def test_a_charger_that_begins_before_it_answers_has_begun(central: Central) -> None:
    """Nor is an end that came before the answer a refusal: who is told so tries again, and pays."""
    async with ready(central) as (station, _):
        for action, path, told, word in (
            ("RemoteStartTransaction", "1/start", station.start(at=now()), "started"),
            ("RemoteStopTransaction", "1/end", station.stop(1, meter=2000, at=now()), "ended"),
        ):
            body = {"sessionId": "S", "tag": CARD} if word == "started" else None
            asking = asyncio.ensure_future(
                central.http.post(f"/api/transactions/{path}", json=body)
            )
            frame = await station.receive()
            assert frame[2] == action
            await told
            await station.send(3, frame[1], {"status": "Accepted"})
            answer = await asking
            assert answer.status_code == 200, answer.text
            assert answer.json()["message"] == f"Transaction {word}"

"""How sessions end: for any reason of the standard, and by another card than began them."""

from __future__ import annotations

import pytest

from tests.csms_lite.central import Central

T0, T1 = "2024-05-01T10:00:00.000Z", "2024-05-01T11:00:00.000Z"
REASONS = (
    "DeAuthorized",
    "EmergencyStop",
    "EVDisconnected",
    "HardReset",
    "Local",
    "Other",
    "PowerLoss",
    "Reboot",
    "Remote",
    "SoftReset",
    "UnlockCommand",
)


@pytest.mark.parametrize("reason", REASONS)
async def test_every_reason_is_kept(central: Central, reason: str) -> None:
    """B35, 7.36: as the station told it."""
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        assert await station.stop(number, meter=2000, at=T1, reason=reason) == {}
    session = await central.get(f"/api/sessions/{number}")
    assert (session["state"], session["stop_reason"]) == ("closed", reason)


@pytest.mark.parametrize(("tag", "verdict"), [("FRIEND", "Accepted"), ("STRANGER", "Invalid")])
async def test_another_card_may_end_it(central: Central, tag: str, verdict: str) -> None:
    """B34, E18: whether it may is the station's to judge; we tell what the card is, and close."""
    for card in ("CARD1", "FRIEND"):
        await central.http.put(f"/api/cards/{card}", json={"parent": "FAMILY"})
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        answer = await station.stop(number, meter=3000, at=T1, tag=tag)
        assert answer["idTagInfo"]["status"] == verdict
    session = await central.get(f"/api/sessions/{number}")
    assert (session["id_tag"], session["state"], session["energy_wh"]) == ("CARD1", "closed", 2000)

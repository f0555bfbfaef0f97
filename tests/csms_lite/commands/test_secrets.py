"""What is masked in a command, and what is sent as it was asked."""

from __future__ import annotations

from typing import Any

import pytest

from csms_lite.commands.secrets import MASK, is_secret, masked

TAG = "a://b@c"


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("RemoteStartTransaction", {"connectorId": 1, "idTag": TAG}),
        ("ReserveNow", {"connectorId": 1, "idTag": TAG, "reservationId": 7}),
        ("SendLocalList", {"localAuthorizationList": [{"idTag": TAG}], "listVersion": 1}),
    ],
)
def test_a_card_that_looks_like_an_address_is_sent_as_it_is(
    action: str, payload: dict[str, Any]
) -> None:
    """Nobody hides these before they are asked: masked, they could never be sent."""
    assert masked(action, payload) == payload
    assert not is_secret(action, payload)


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("ChangeConfiguration", {"key": "Url", "value": "wss://me:hush@host/ocpp"}),
        ("DataTransfer", {"vendorId": "x", "data": "ftp://me:hush@host"}),
        ("GetDiagnostics", {"location": "ftp://me:hush@host"}),
        ("GetLog", {"log": {"remoteLocation": "ftp://me:hush@host"}}),
        ("SignedUpdateFirmware", {"firmware": {"location": "ftp://me:hush@host"}}),
        ("UpdateFirmware", {"location": "ftp://me:hush@host"}),
    ],
)
def test_what_opens_an_address_is_masked_in_all_that_carry_one(
    action: str, payload: dict[str, Any]
) -> None:
    """And what is kept is known again as something that must not be sent."""
    kept = masked(action, payload)
    assert "hush" not in str(kept)
    assert MASK in str(kept)
    assert is_secret(action, kept)

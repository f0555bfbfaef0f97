"""What csms_lite itself refuses to send, and what it leaves to the station."""

from __future__ import annotations

from typing import Any

import pytest

from csms_lite.commands.rules import refuse_forbidden
from csms_lite.errors import Refused, Unacceptable

PROFILE = {"chargingProfilePurpose": "TxProfile"}


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("TriggerMessage", {"requestedMessage": "BootNotification"}),
        ("RemoteStartTransaction", {"chargingProfile": {**PROFILE, "transactionId": 1}}),
        (
            "RemoteStartTransaction",
            {"chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}},
        ),
    ],
)
def test_what_the_standard_forbids_is_refused_here(action: str, payload: dict[str, Any]) -> None:
    """A central system SHALL NOT send these (errata 3.40, 3.41; 5.16)."""
    with pytest.raises(Refused, match=r"OCPP|errata"):
        refuse_forbidden(action, payload, is_booted=True)


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("RemoteStopTransaction", {"transactionId": 99}),
        ("UnlockConnector", {"connectorId": 99}),
        ("RemoteStartTransaction", {"idTag": "A", "chargingProfile": PROFILE}),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
    ],
)
def test_what_only_the_station_may_refuse_is_sent(action: str, payload: dict[str, Any]) -> None:
    """Unknown connectors and transactions reach the wire exactly as asked (ruling 21)."""
    refuse_forbidden(action, payload, is_booted=True)


def test_a_station_never_accepted_may_be_asked_to_boot() -> None:
    """That is what the trigger is for."""
    refuse_forbidden("TriggerMessage", {"requestedMessage": "BootNotification"}, is_booted=False)


def test_an_unknown_action_names_those_there_are() -> None:
    """The operator learns the word that was meant."""
    with pytest.raises(Unacceptable, match="UnlockConnector"):
        refuse_forbidden("Unlock", {}, is_booted=True)

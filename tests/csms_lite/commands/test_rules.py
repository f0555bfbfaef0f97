"""What csms_lite itself refuses to send, and what it leaves to the station."""

from __future__ import annotations

from typing import Any

import pytest

from csms_lite.commands.rules import ACTIONS, refuse_forbidden
from csms_lite.errors import Refused, Unacceptable
from csms_lite.ocpp.routes import ROUTES
from edge.ocppj.schemas import ACTIONS as SCHEMAS

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
        ("ExtendedTriggerMessage", {"requestedMessage": "BootNotification"}),
        ("SendLocalList", {"listVersion": 0, "updateType": "Full"}),
        ("SendLocalList", {"listVersion": -1, "updateType": "Full"}),
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
        ("SendLocalList", {"listVersion": 1, "updateType": "Full"}),
        ("CancelReservation", {"reservationId": -5}),
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


@pytest.mark.parametrize("action", ["RemoteStartTransaction", "RemoteStopTransaction"])
def test_a_pending_station_is_asked_no_transaction(action: str) -> None:
    """4.2 names the two; all the rest may be sent."""
    with pytest.raises(Refused, match=r"4\.2"):
        refuse_forbidden(action, {}, is_booted=False, registration="Pending")
    refuse_forbidden("GetConfiguration", {}, is_booted=False, registration="Pending")


def test_a_rejected_station_is_asked_nothing() -> None:
    """4.2: it answers nothing either."""
    with pytest.raises(Refused, match=r"4\.2"):
        refuse_forbidden("ClearCache", {}, is_booted=True, registration="Rejected")


def test_every_action_that_goes_this_way_can_be_sent() -> None:
    """19 of OCPP 1.6 and 7 of the whitepaper: all actions less those that stations send."""
    assert set(ACTIONS) == SCHEMAS - (set(ROUTES) - {"DataTransfer"})
    assert len(ACTIONS) == 26

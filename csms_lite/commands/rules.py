"""What an operator may ask of a charger, and how a command ends.

    asked ──► sent ──► answered      the station's CALLRESULT is kept, whatever it says
      │         └────► failed        CALLERROR, time-out, or the line went: outcome unknown
      └──────────────► expired       not sent in time; never sent later

A command that was put on the wire is never sent again by itself: it may move power.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from csms_lite.errors import Refused, Unacceptable

ACTIONS: Final = (
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearCache",
    "DataTransfer",
    "GetConfiguration",
    "GetLocalListVersion",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "Reset",
    "SendLocalList",
    "TriggerMessage",
    "UnlockConnector",
)
SEND_WITHIN_MS: Final = 30_000  # a RemoteStart that arrives minutes late surprises people


class Command(NamedTuple):
    """A command as it is stored."""

    command_id: int
    station_id: int
    charger: str
    action: str
    payload_json: str
    state: str
    message_id: str
    asked_at_ms: int
    sent_at_ms: int | None
    answered_at_ms: int | None
    result_json: str | None
    problem: str | None


def refuse_forbidden(action: str, payload: Mapping[str, Any], *, is_booted: bool) -> None:
    """Refuse what the standard forbids a Central System to send (ruling 21).

    What only the *station* may refuse, such as an unknown connector, passes. Raises
    `Unacceptable` for an unknown action and `Refused` with the section that forbids it.
    """
    if action not in ACTIONS:
        raise Unacceptable(f"{action!r} cannot be sent: choose one of {', '.join(ACTIONS)}")
    if (
        action == "TriggerMessage"
        and payload.get("requestedMessage") == "BootNotification"
        and is_booted
    ):
        raise Refused(
            "a BootNotification may not be triggered from a station that was accepted "
            "(OCPP 1.6 errata 3.40)"
        )
    if action == "SendLocalList" and int(payload.get("listVersion", 1)) < 1:
        raise Refused("a local list's version is never 0 or -1 (OCPP 1.6 errata 3.52)")
    profile = payload.get("chargingProfile") if action == "RemoteStartTransaction" else None
    if isinstance(profile, Mapping):
        if profile.get("chargingProfilePurpose") != "TxProfile":
            raise Refused("the profile of a RemoteStart must be a TxProfile (OCPP 1.6, 5.16)")
        if "transactionId" in profile:
            raise Refused("the profile of a RemoteStart may not name a transaction (errata 3.41)")

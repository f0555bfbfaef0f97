"""What an operator may ask of a charger, and how a command ends.

    asked ──► sent ──► answered ──► observed   what the answer promised was seen to happen
      │         └────► failed ────────┘        CALLERROR, time-out, or the line went: unknown
      └──────────────► expired                 not sent in time; never sent later

A command that was put on the wire is never sent again by itself: it may move power.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from csms_lite.errors import Refused, Unacceptable

ACTIONS: Final = (
    "CancelReservation",
    "CertificateSigned",
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearCache",
    "ClearChargingProfile",
    "DataTransfer",
    "DeleteCertificate",
    "ExtendedTriggerMessage",
    "GetCompositeSchedule",
    "GetConfiguration",
    "GetDiagnostics",
    "GetInstalledCertificateIds",
    "GetLocalListVersion",
    "GetLog",
    "InstallCertificate",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "ReserveNow",
    "Reset",
    "SendLocalList",
    "SetChargingProfile",
    "SignedUpdateFirmware",
    "TriggerMessage",
    "UnlockConnector",
    "UpdateFirmware",
)
"""All that a central system can send: 19 of OCPP 1.6 and 7 of the security whitepaper."""

SEND_WITHIN_MS: Final = 30_000  # a RemoteStart that arrives minutes late surprises people
ACTION_LENGTH: Final = 50
ANSWERED: Final = ("answered", "observed")
WORDS_OF_CONSENT: Final = frozenset({"Accepted", "AcceptedCanceled", "Scheduled", "Unlocked"})


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
    observed_at_ms: int | None
    observed_json: str | None
    asked_by: str | None
    batch: str | None


def refuse_forbidden(
    action: str, payload: Mapping[str, Any], *, is_booted: bool, registration: str = "Accepted"
) -> None:
    """Refuse what the standard forbids a Central System to send (ruling 21).

    What only the *station* may refuse, such as an unknown connector, passes. Raises
    `Unacceptable` for an unknown action and `Refused` with the section that forbids it.
    """
    if action not in ACTIONS:
        raise Unacceptable(f"{action!r} cannot be sent: choose one of {', '.join(ACTIONS)}")
    if registration == "Rejected":
        raise Refused("nothing may be sent to a charger that is Rejected: let it in first (4.2)")
    if registration == "Pending" and action in {"RemoteStartTransaction", "RemoteStopTransaction"}:
        raise Refused(f"{action} may not be sent to a charger that is Pending (OCPP 1.6, 4.2)")
    match action:
        case "TriggerMessage" | "ExtendedTriggerMessage" if (
            is_booted and payload.get("requestedMessage") == "BootNotification"
        ):
            raise Refused(
                "a BootNotification may not be triggered from a station that was accepted "
                "(OCPP 1.6 errata 3.40)"
            )
        case "SendLocalList" if int(payload.get("listVersion", 1)) < 1:
            raise Refused("a local list's version is never 0 or -1 (OCPP 1.6 errata 3.52)")
        case "RemoteStartTransaction":
            _refuse_profile(payload.get("chargingProfile"))


def _refuse_profile(profile: object) -> None:
    if not isinstance(profile, Mapping):
        return
    if profile.get("chargingProfilePurpose") != "TxProfile":
        raise Refused("the profile of a RemoteStart must be a TxProfile (OCPP 1.6, 5.16)")
    if "transactionId" in profile:
        raise Refused("the profile of a RemoteStart may not name a transaction (errata 3.41)")


def consents(result: Mapping[str, Any]) -> bool:
    """Say whether a station's answer promises that something follows."""
    status = result.get("status", "Accepted")
    return isinstance(status, str) and status in WORDS_OF_CONSENT

"""What a station tells once it did what it was asked: which message shows that a command worked.

A command waits for one kind of message, the name of which is in its column `awaits`; which
RemoteStart caused a transaction, `csms_lite.sessions` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from csms_lite.commands.rules import Command
from csms_lite.jsontext import loads

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
SOON_MS: Final = 10 * MINUTE_MS  # a triggered message, a lock, a car that is being plugged in
LATER_MS: Final = 7 * DAY_MS  # a firmware that waits for the night, availability for a session

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Follows:
    """The message that follows a command.

    *fits* says whether one of that kind is it, *ends* whether more come after it. An *early* one
    may come before the answer, for it says itself what it belongs to.
    """

    message: str
    fits: Callable[[Payload, Payload], bool] = lambda _asked, _told: True
    ends: Callable[[Payload], bool] = lambda _told: True
    within_ms: int = SOON_MS
    is_early: bool = False


def _same(name: str) -> Callable[[Payload, Payload], bool]:
    return lambda asked, told: asked.get(name) == told.get(name)


def _same_connector(asked: Payload, told: Payload) -> bool:
    return asked.get("connectorId") in (None, told.get("connectorId"))  # a list may be forced


def _available(asked: Payload, told: Payload) -> bool:
    is_wanted = (told.get("status") == "Unavailable") == (asked.get("type") == "Inoperative")
    return is_wanted and asked.get("connectorId") == told.get("connectorId")


def _reserved(asked: Payload, told: Payload) -> bool:
    return told.get("status") == "Reserved" and _same_connector(asked, told)


def _not_idle(_asked: Payload, told: Payload) -> bool:
    return told.get("status") != "Idle"


def _status_in(*last: str) -> Callable[[Payload], bool]:
    return lambda told: told.get("status") in last


INSTALLED: Final = _status_in("Installed", "InstallationFailed")
FOLLOWS: Final[Mapping[str, Follows]] = {
    "ChangeAvailability": Follows(
        message="StatusNotification", fits=_available, within_ms=LATER_MS, is_early=True
    ),
    "GetDiagnostics": Follows(
        message="DiagnosticsStatusNotification",
        fits=_not_idle,
        ends=_status_in("Uploaded"),
        within_ms=DAY_MS,
    ),
    "GetLog": Follows(
        message="LogStatusNotification",
        fits=_same("requestId"),
        ends=_status_in("Uploaded", "AcceptedCanceled"),
        within_ms=DAY_MS,
        is_early=True,
    ),
    "RemoteStopTransaction": Follows(
        message="StopTransaction", fits=_same("transactionId"), within_ms=DAY_MS, is_early=True
    ),
    "ReserveNow": Follows(message="StatusNotification", fits=_reserved, is_early=True),
    "Reset": Follows(message="BootNotification", within_ms=DAY_MS, is_early=True),
    "SignedUpdateFirmware": Follows(
        message="SignedFirmwareStatusNotification",
        fits=_same("requestId"),
        ends=_status_in(
            "Installed",
            "InstallationFailed",
            "InstallVerificationFailed",
            "InvalidSignature",
            "RevokedCertificate",
        ),
        within_ms=LATER_MS,
        is_early=True,
    ),
    "UnlockConnector": Follows(message="StatusNotification", fits=_same_connector),
    "UpdateFirmware": Follows(
        message="FirmwareStatusNotification", fits=_not_idle, ends=INSTALLED, within_ms=LATER_MS
    ),
}
NAMELESS: Final = frozenset({"UpdateFirmware", "GetDiagnostics"})
"""Their statuses do not say which request they belong to: to the last one."""

TRIGGERED: Final = Follows(message="", fits=_same_connector)
TRIGGERS: Final = frozenset({"TriggerMessage", "ExtendedTriggerMessage"})
RENAMED: Final = {"SignChargePointCertificate": "SignCertificate"}


def awaited(action: str, payload: Payload) -> str | None:
    """Name the message that would show that a command worked; `None` when none does."""
    if action in TRIGGERS:
        asked = payload.get("requestedMessage")
        return RENAMED.get(str(asked), str(asked)) if asked is not None else None
    follows = FOLLOWS.get(action)
    return None if follows is None else follows.message


def shows(command: Command, told: Payload, now_ms: int) -> tuple[bool, bool]:
    """Say whether a message is what *command* waits for, and whether it is the last of its kind."""
    follows = FOLLOWS.get(command.action, TRIGGERED)
    sent_at_ms = command.sent_at_ms
    if sent_at_ms is None or now_ms - sent_at_ms > follows.within_ms:
        return False, False
    if command.state == "sent" and not follows.is_early:
        return False, False
    asked = loads(command.payload_json)
    relevant = asked if "connectorId" in told or command.action not in TRIGGERS else {}
    return follows.fits(relevant, told), follows.ends(told)


HINTS: Final = {
    "DownloadFailed": (
        "the charger could not fetch the file: check that it reaches the address by itself, that "
        "it knows the address's protocol, and that the file is still there"
    ),
    "InstallationFailed": (
        "the charger fetched the file and did not install it: check that it is made for this "
        "model; the old version goes on. The one before is installed by UpdateFirmware again"
    ),
    "InvalidSignature": "the signature does not belong to this file and certificate",
    "UploadFailed": (
        "the charger could not bring the file: check that it reaches the address by itself and "
        "that the address has not expired"
    ),
    "UploadFailure": "the charger could not bring the file: check the address and its expiry",
    "PermissionDenied": "the address let the charger in no more: make a new one",
}


def hint(told: Payload) -> str | None:
    """Give the likely cause of what went wrong after the answer, for people."""
    return HINTS.get(str(told.get("status")))

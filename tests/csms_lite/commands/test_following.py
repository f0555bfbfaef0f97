"""What counts as a command having worked, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from csms_lite.commands.following import SOON_MS, awaited, hint, shows
from csms_lite.commands.rules import ACTIONS, Command
from csms_lite.jsontext import dumps
from csms_lite.ocpp.routes import ROUTES


def asked(action: str, payload: dict[str, Any], **more: Any) -> Command:
    known: dict[str, Any] = dict.fromkeys(Command._fields)
    known |= {"action": action, "payload_json": dumps(payload), "state": "answered"}
    return Command(**(known | {"sent_at_ms": 1000} | more))


WORKED: list[tuple[str, dict[str, Any], dict[str, Any], tuple[bool, bool]]] = [
    ("Reset", {"type": "Hard"}, {}, (True, True)),
    (
        "ChangeAvailability",
        {"connectorId": 1, "type": "Inoperative"},
        {"connectorId": 1, "status": "Unavailable"},
        (True, True),
    ),
    (
        "ChangeAvailability",
        {"connectorId": 1, "type": "Operative"},
        {"connectorId": 1, "status": "Preparing"},
        (True, True),
    ),
    ("RemoteStopTransaction", {"transactionId": 7}, {"transactionId": 7}, (True, True)),
    (
        "UnlockConnector",
        {"connectorId": 1},
        {"connectorId": 1, "status": "Finishing"},
        (True, True),
    ),
    ("UpdateFirmware", {}, {"status": "Downloading"}, (True, False)),
    ("UpdateFirmware", {}, {"status": "DownloadFailed"}, (True, False)),
    ("UpdateFirmware", {}, {"status": "Installed"}, (True, True)),
    ("GetLog", {"requestId": 3}, {"requestId": 3, "status": "Uploading"}, (True, False)),
    ("TriggerMessage", {"connectorId": 1}, {}, (True, True)),
]
DID_NOT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "ChangeAvailability",
        {"connectorId": 1, "type": "Inoperative"},
        {"connectorId": 1, "status": "Charging"},
    ),
    (
        "ChangeAvailability",
        {"connectorId": 0, "type": "Inoperative"},
        {"connectorId": 1, "status": "Unavailable"},
    ),
    ("RemoteStopTransaction", {"transactionId": 7}, {"transactionId": 8}),
    ("GetLog", {"requestId": 3}, {"requestId": 4, "status": "Uploaded"}),
    ("UpdateFirmware", {}, {"status": "Idle"}),
    ("TriggerMessage", {"connectorId": 1}, {"connectorId": 2}),
]


@pytest.mark.parametrize(("action", "payload", "told", "expected"), WORKED)
def test_what_shows_that_it_worked(
    action: str, payload: dict[str, Any], told: dict[str, Any], expected: tuple[bool, bool]
) -> None:
    """It is the message, and it is the last or not."""
    assert shows(asked(action, payload), told, 2000) == expected


@pytest.mark.parametrize(("action", "payload", "told"), DID_NOT)
def test_what_shows_nothing(action: str, payload: dict[str, Any], told: dict[str, Any]) -> None:
    """Another connector, tag, number or request; the status of nothing."""
    assert not shows(asked(action, payload), told, 2000)[0]


def test_what_comes_too_late_or_too_early_is_something_else() -> None:
    """A Heartbeat a day later, or one that crossed the trigger on the wire."""
    trigger = asked("TriggerMessage", {"requestedMessage": "Heartbeat"})
    assert shows(trigger, {}, 1000 + SOON_MS)[0]
    assert not shows(trigger, {}, 1001 + SOON_MS)[0]
    assert not shows(trigger._replace(state="sent"), {}, 2000)[0]
    assert shows(asked("Reset", {}, state="sent"), {}, 2000)[0]
    assert not shows(asked("Reset", {}, sent_at_ms=None), {}, 2000)[0]


def test_every_awaited_message_is_one_that_stations_send() -> None:
    """A name that no station sends would be waited for in vain."""
    triggered = [
        awaited("ExtendedTriggerMessage", {"requestedMessage": name})
        for name in ("BootNotification", "SignChargePointCertificate", "LogStatusNotification")
    ]
    found = {awaited(action, {"requestedMessage": "Heartbeat"}) for action in ACTIONS}
    assert {*found, *triggered} - {None} <= set(ROUTES)
    assert awaited("ClearCache", {}) is None


def test_a_failed_update_is_given_its_likely_cause() -> None:
    """B68."""
    assert "fetch" in str(hint({"status": "DownloadFailed"}))
    assert hint({"status": "Installed"}) is None

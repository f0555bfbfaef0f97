"""Checklist 10: RemoteTrigger."""

from __future__ import annotations

from typing import Any

import pytest

from tests.spec.central import Central
from tests.spec.station import Station

ACCEPTED = {"status": "Accepted"}


@pytest.mark.parametrize(
    ("message", "connector", "expected"),
    [
        ("MeterValues", 1, {"connectorId": 1}),
        ("Heartbeat", None, {}),
        ("StatusNotification", 2, {"connectorId": 2, "status": "Available"}),
        ("DiagnosticsStatusNotification", None, {"status": "Idle"}),
        ("FirmwareStatusNotification", None, {"status": "Idle"}),
    ],
)
def test_tc_054_what_is_asked_for_comes(
    point: Station,
    central: Central,
    message: str,
    connector: int | None,
    expected: dict[str, Any],
) -> None:
    """Accepted, and after the answer the message."""
    point.booted()
    named = {} if connector is None else {"connectorId": connector}
    answer = central.call("TriggerMessage", {"requestedMessage": message, **named})
    assert answer == ACCEPTED
    central.expect(message, **expected)
    kinds = [raw for raw in central.raw if '"Accepted"' in str(raw) or f'"{message}"' in str(raw)]
    assert str(kinds[-1]).startswith("[2"), "the answer comes before the message"
    central.never(message, for_s=0.2)


@pytest.mark.parametrize("message", ["MeterValues", "StatusNotification"])
def test_tc_055_no_such_connector(point: Station, central: Central, message: str) -> None:
    """Connector N+1: Rejected, nothing comes."""
    point.booted()
    asked = {"requestedMessage": message, "connectorId": 3}
    assert central.call("TriggerMessage", asked) == {"status": "Rejected"}
    central.never(message, for_s=0.3)


def test_r_10_1_no_boot_once_accepted(point: Station, central: Central) -> None:
    """BootNotification after Accepted: Rejected."""
    point.booted()
    asked = {"requestedMessage": "BootNotification"}
    assert central.call("TriggerMessage", asked) == {"status": "Rejected"}
    central.never("BootNotification", for_s=0.3)


def test_r_10_2_all_or_one(point: Station, central: Central) -> None:
    """Without connectorId 0 and all; one that does not matter is ignored."""
    point.booted()
    assert central.call("TriggerMessage", requestedMessage="StatusNotification") == ACCEPTED
    for connector in (0, 1, 2):
        central.expect_status(connector, "Available")
    assert central.call("TriggerMessage", requestedMessage="Heartbeat", connectorId=3) == ACCEPTED
    central.expect("Heartbeat")

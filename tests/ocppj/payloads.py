"""Lawful payloads of every shape that OCPP 1.6 has, for tests that spoil them."""

from __future__ import annotations

from typing import Any, Final

AT: Final = "2026-03-01T10:00:00.000Z"
PROFILE: Final[dict[str, Any]] = {
    "chargingProfileId": 7,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Absolute",
    "validFrom": AT,
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "minChargingRate": 6.1,
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 21.4, "numberPhases": 3},
            {"startPeriod": 60, "limit": 8},
        ],
    },
}
SAMPLES: Final = [
    {
        "timestamp": AT,
        "sampledValue": [
            {"value": "1200", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": "21.5", "unit": "Celcius", "context": "Sample.Periodic"},
        ],
    }
]
LAWFUL: Final[dict[str, dict[str, Any]]] = {
    "Authorize": {"idTag": "04A2B1C3D4E580"},
    "BootNotification": {"chargePointVendor": "Tapwatt", "chargePointModel": "Bay"},
    "ChangeAvailability": {"connectorId": 0, "type": "Inoperative"},
    "ChangeConfiguration": {"key": "HeartbeatInterval", "value": "60"},
    "ClearCache": {},
    "DataTransfer": {"vendorId": "org.example", "data": "x" * 600},
    "GetConfiguration": {"key": ["HeartbeatInterval"]},
    "Heartbeat": {},
    "MeterValues": {"connectorId": 1, "transactionId": 4711, "meterValue": SAMPLES},
    "RemoteStartTransaction": {"idTag": "A", "connectorId": 1, "chargingProfile": PROFILE},
    "RemoteStopTransaction": {"transactionId": 4711},
    "SendLocalList": {
        "listVersion": 2,
        "updateType": "Full",
        "localAuthorizationList": [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}],
    },
    "SetChargingProfile": {"connectorId": 1, "csChargingProfiles": PROFILE},
    "StartTransaction": {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": AT},
    "StatusNotification": {"connectorId": 0, "errorCode": "NoError", "status": "Available"},
    "StopTransaction": {"transactionId": -1, "meterStop": 1420, "timestamp": AT},
    "TriggerMessage": {"requestedMessage": "Heartbeat"},
    "UnlockConnector": {"connectorId": 1},
    "UpdateFirmware": {"location": "https://example.org/f", "retrieveDate": AT, "retries": 3},
}

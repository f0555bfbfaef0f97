"""A lawful payload of every action of OCPP 1.6 and its whitepaper, for tests that spoil them."""

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
    "CancelReservation": {"reservationId": 5},
    "CertificateSigned": {"certificateChain": "-----BEGIN CERTIFICATE-----"},
    "ChangeAvailability": {"connectorId": 0, "type": "Inoperative"},
    "ChangeConfiguration": {"key": "HeartbeatInterval", "value": "60"},
    "ClearCache": {},
    "ClearChargingProfile": {"connectorId": 1, "stackLevel": 2},
    "DataTransfer": {"vendorId": "org.example", "data": "x" * 600},
    "DeleteCertificate": {
        "certificateHashData": {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": "ab" * 32,
            "issuerKeyHash": "cd" * 32,
            "serialNumber": "1f",
        }
    },
    "DiagnosticsStatusNotification": {"status": "Idle"},
    "ExtendedTriggerMessage": {"requestedMessage": "StatusNotification", "connectorId": 1},
    "FirmwareStatusNotification": {"status": "Idle"},
    "GetCompositeSchedule": {"connectorId": 1, "duration": 600, "chargingRateUnit": "A"},
    "GetConfiguration": {"key": ["HeartbeatInterval"]},
    "GetDiagnostics": {"location": "ftp://127.0.0.1:1/", "startTime": AT, "stopTime": AT},
    "GetInstalledCertificateIds": {"certificateType": "CentralSystemRootCertificate"},
    "GetLocalListVersion": {},
    "GetLog": {
        "log": {"remoteLocation": "ftp://127.0.0.1:1/", "oldestTimestamp": AT},
        "logType": "SecurityLog",
        "requestId": 7,
        "retries": 0,
    },
    "Heartbeat": {},
    "InstallCertificate": {
        "certificateType": "CentralSystemRootCertificate",
        "certificate": "-----BEGIN CERTIFICATE-----",
    },
    "LogStatusNotification": {"status": "Idle", "requestId": 7},
    "MeterValues": {"connectorId": 1, "transactionId": 4711, "meterValue": SAMPLES},
    "RemoteStartTransaction": {"idTag": "A", "connectorId": 1, "chargingProfile": PROFILE},
    "RemoteStopTransaction": {"transactionId": 4711},
    "ReserveNow": {
        "connectorId": 1,
        "expiryDate": AT,
        "idTag": "A",
        "parentIdTag": "B",
        "reservationId": 5,
    },
    "Reset": {"type": "Soft"},
    "SecurityEventNotification": {"type": "SettingSystemTime", "timestamp": AT, "techInfo": "x"},
    "SendLocalList": {
        "listVersion": 2,
        "updateType": "Full",
        "localAuthorizationList": [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}],
    },
    "SetChargingProfile": {"connectorId": 1, "csChargingProfiles": PROFILE},
    "SignCertificate": {"csr": "-----BEGIN CERTIFICATE REQUEST-----"},
    "SignedFirmwareStatusNotification": {"status": "Idle", "requestId": 7},
    "SignedUpdateFirmware": {
        "requestId": 7,
        "retries": 0,
        "firmware": {
            "location": "https://127.0.0.1:1/",
            "retrieveDateTime": AT,
            "signingCertificate": "-----BEGIN CERTIFICATE-----",
            "signature": "c2ln",
        },
    },
    "StartTransaction": {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": AT},
    "StatusNotification": {"connectorId": 0, "errorCode": "NoError", "status": "Available"},
    "StopTransaction": {"transactionId": -1, "meterStop": 1420, "timestamp": AT},
    "TriggerMessage": {"requestedMessage": "Heartbeat"},
    "UnlockConnector": {"connectorId": 1},
    "UpdateFirmware": {"location": "https://127.0.0.1:1/f", "retrieveDate": AT, "retries": 3},
}

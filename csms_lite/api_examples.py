"""An example of each body that the API takes, by method and path; shown, and tested to fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

EXAMPLES: Final[Mapping[str, Any]] = {
    "PUT /api/cards/{tag}": {
        "status": "Accepted",
        "parent": "FAMILY",
        "expiry": "2030-01-01T00:00:00Z",
    },
    "PUT /api/chargers/{charger}": {"name": "Garage, left", "registration": "Accepted"},
    "POST /api/chargers/{charger}/addresses": {"valid_s": 3600},
    "POST /api/chargers/{charger}/diagnostics": {"log": "SecurityLog", "retries": 2},
    "POST /api/chargers/{charger}/firmware": {"file": 7, "retries": 2, "retry_interval_s": 600},
    "POST /api/commands": {"chargers": ["CP-1", "CP-2"], "action": "ClearCache"},
    "POST /api/files/{file_id}/addresses": {"valid_s": 3600},
    "POST /api/signing-requests/{request_id}/chain": {
        "chain": "-----BEGIN CERTIFICATE-----\nMIIB...\n-----END CERTIFICATE-----\n"
    },
    "POST /api/chargers/{charger}/commands": {
        "action": "RemoteStartTransaction",
        "payload": {"connectorId": 1, "idTag": "04A2B1C3D4E580"},
    },
    "PUT /api/tariff": {"currency": "EUR", "per_kwh_minor": 45},
}

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
    "POST /api/chargers/{charger}/commands": {
        "action": "RemoteStartTransaction",
        "payload": {"connectorId": 1, "idTag": "04A2B1C3D4E580"},
    },
    "PUT /api/tariff": {"currency": "EUR", "per_kwh_minor": 45},
}

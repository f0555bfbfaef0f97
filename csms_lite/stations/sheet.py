"""The settings sheet: what whoever installs a charger types into it (B90, B94)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from csms_lite.stations.rules import Station

METER_INTERVAL_S: Final = 60  # seed B recommends 60 to 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What holds for all chargers."""

    url: str
    """The address without the charger's id."""
    heartbeat_s: int

    def of(self, station: Station) -> dict[str, Any]:
        """Write the sheet of one charger; its key is on none: it is shown once, when it is made."""
        whole = f"{self.url.rstrip('/')}/{station.identity}"
        parts = urlsplit(whole)
        return {
            "id": station.identity,
            "url": whole,
            "host": parts.hostname,
            "port": parts.port or (443 if parts.scheme == "wss" else 80),
            "path": parts.path,
            "tls": parts.scheme == "wss",
            "protocol": "OCPP 1.6 JSON",
            "subprotocol": "ocpp1.6",
            "security_profile": max(station.profile or 0, station.came_profile),
            "heartbeat_interval_s": self.heartbeat_s,
            "meter_value_sample_interval_s": METER_INTERVAL_S,
        }

"""What an alert is.

    raised ──► open ──► closed      by itself, when what was wrong is gone
                 └ acknowledged     somebody has seen it; it stays open while it is true

There is one open alert per station, connector and kind, however often it is raised; of the central
system itself, one per kind and what it is about.
"""

from __future__ import annotations

from typing import Final, NamedTuple

OFFLINE: Final = "offline"
FAULT: Final = "fault"
CERTIFICATE: Final = "certificate"
UPDATE_FAILED: Final = "update_failed"
NOT_UPDATED: Final = frozenset(
    {
        "DownloadFailed",
        "InstallationFailed",
        "InstallVerificationFailed",
        "InvalidSignature",
        "RevokedCertificate",
    }
)
"""With what a charger says that new firmware did not come about."""
NO_NEWS: Final = "Idle"  # told when asked for, and after a failure as well
STATION: Final = 0  # the connector of what concerns all of a station


class Alert(NamedTuple):
    """An alert as it is stored."""

    alert_id: int
    charger: str | None
    """`None`: it concerns the central system itself."""
    connector: int
    kind: str
    details_json: str
    opened_at_ms: int
    closed_at_ms: int | None
    acknowledged_at_ms: int | None
    acknowledged_by: str | None
    subject: str | None
    """What of the central system it is about; `None` for a charger's."""

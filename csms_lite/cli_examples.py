"""An example of every verb of `tapwatt csms`, for its help."""

from __future__ import annotations

from typing import Final

EXAMPLES: Final = {
    "csms run": "tapwatt csms run --state-dir state/csms",
    "csms charger add": "tapwatt csms charger add CP-1 --name Mill --profile 2",
    "csms charger list": "tapwatt csms charger list",
    "csms charger key": "tapwatt csms charger key CP-1 --enrol --url wss://csms.local:9000/ocpp",
    "csms charger import": "tapwatt csms charger import chargers.csv --keys",
    "csms settings": "tapwatt csms settings",
    "csms token": "tapwatt csms token",
    "csms user add": (
        "tapwatt csms user add ada@example.org --name Ada --surname Lovelace --role ADMIN"
    ),
    "csms user list": "tapwatt csms user list",
    "csms user role": "tapwatt csms user role ada@example.org OPERATOR",
    "csms user password": "tapwatt csms user password ada@example.org",
    "csms user disable": "tapwatt csms user disable ada@example.org",
    "csms backup": "tapwatt csms backup /mnt/backups",
    "csms export": "tapwatt csms export sessions --out sessions.csv",
    "csms doctor": "tapwatt csms doctor",
    "csms tls init": "tapwatt csms tls init --name csms.local --name 192.168.1.10",
    "csms tls renew": "tapwatt csms tls renew",
}

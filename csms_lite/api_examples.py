"""An example of each body that the API takes, by method and path; shown, and tested to fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_PERSON: Final = {
    "email": "ana@example.org",
    "name": "Ana",
    "surname": "Example",
    "password": "nine small owls",
}
_CREDENTIALS: Final = {"email": _PERSON["email"], "password": _PERSON["password"]}
_TOKEN: Final = "the token of the mail"  # noqa: S105 - an example

EXAMPLES: Final[Mapping[str, Any]] = {
    "PATCH /api/sites/{site_id}": {"note": "the barrier opens at six"},
    "PATCH /api/users/me": {"language": "de"},
    "PATCH /api/users/{user}": {"role": "OPERATOR"},
    "PATCH /api/webhooks/{webhook_id}": {"state": "paused"},
    "PATCH /station": {"id": 1, "dismissed": True},
    "PATCH /user": {"name": "Anna"},
    "PATCH /user/{user}/set_user_admin": {"is_admin": True},
    "POST /api/auth/firebase": {"id_token": "as Firebase gave it"},
    "POST /api/auth/login": _CREDENTIALS,
    "POST /api/auth/logout": {"refresh_token": "as it was given"},
    "POST /api/auth/oidc": {
        "code": "as the provider gave it",
        "verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    },
    "POST /api/auth/refresh": {"refresh_token": "as it was given"},
    "POST /api/auth/register": _PERSON,
    "POST /api/auth/reset": {"email": "ana@example.org"},
    "POST /api/auth/reset/answer": {
        "email": "ana@example.org",
        "code": "123456",
        "password": "ten small owls",
    },
    "POST /api/auth/setup": {**_PERSON, "token": "as in the file setup-token"},
    "POST /api/cards/{tag}/block": {"reason": "lost"},
    "POST /api/chargers": {
        "id": "CP001",
        "site_id": 123,
        "vendor": "EVBox",
        "model": "BusinessLine",
        "serial": "EVB-12345",
    },
    "POST /api/chargers/{charger}/addresses": {},
    "POST /api/chargers/{charger}/commands": {
        "action": "RemoteStartTransaction",
        "payload": {"connectorId": 1, "idTag": "04A2B1C3D4E580"},
    },
    "POST /api/chargers/{charger}/diagnostics": {},
    "POST /api/chargers/{charger}/enrol": {},
    "POST /api/chargers/{charger}/firmware": {"file": 1, "retrieve_at": "2030-01-01T02:00:00Z"},
    "POST /api/chargers/{charger}/key": {},
    "POST /api/charging/start": {"station": "K7M4QX2P", "connector": 1, "goal_wh": 20_000},
    "POST /api/charging/stop": {"transaction_id": 4711},
    "POST /api/commands": {
        "action": "Reset",
        "payload": {"type": "Soft"},
        "chargers": ["CP001", "CP002"],
    },
    "POST /api/files/{file_id}/addresses": {},
    "POST /api/inbox/{identity}/accept": {},
    "POST /api/sessions/{transaction_id}/close": {
        "reason": "the charger was taken down",
        "confirm": True,
    },
    "POST /api/signing-requests/{request_id}/chain": {"chain": "-----BEGIN CERTIFICATE-----\n…"},
    "POST /api/sites": {
        "name": "Town hall",
        "address": "1 Market Square",
        "latitude": 50.7753,
        "longitude": 6.0839,
        "time_zone": "Europe/Berlin",
    },
    "POST /api/transactions/{charger}/start": {"sessionId": "ABC123"},
    "POST /api/unknown-cards/{tag}/accept": {},
    "POST /api/users": {**_PERSON, "role": "VIEWER"},
    "POST /api/users/me/keys": {
        "name": "the building's display",
        "scopes": ["chargers:read", "sessions:read"],
        "password": _PERSON["password"],
    },
    "POST /api/users/me/second-factor": {"password": _PERSON["password"]},
    "POST /api/users/me/second-factor/confirm": {"code": "123456"},
    "POST /api/users/me/second-factor/remove": {"password": _PERSON["password"]},
    "POST /api/users/me/verification/answer": {"code": "123456"},
    "POST /api/webhooks": {
        "url": "https://example.org/hooks/tapwatt",
        "kinds": ["session"],
    },
    "POST /auth/login": _CREDENTIALS,
    "POST /auth/register": _PERSON,
    "POST /auth/resetPassword": {**_CREDENTIALS, "token": _TOKEN},
    "POST /auth/resetPasswordToken": {"email": "ana@example.org"},
    "POST /station": {
        "name": "Town hall",
        "lat": 50.7753,
        "lon": 6.0839,
        "description": "behind the building",
        "connectors": [1, 4],
    },
    "POST /station/{station}/start_charging": {"connector": 1},
    "PUT /api/card-groups/{name}": {},
    "PUT /api/cards/{tag}": {
        "status": "Accepted",
        "parent": "FAMILY",
        "expiry": "2030-01-01T00:00:00Z",
    },
    "PUT /api/chargers/{charger}": {"name": "Garage, left", "registration": "Accepted"},
    "PUT /api/chargers/{charger}/access": {"policy": "closed"},
    "PUT /api/chargers/{charger}/local-list": {"follow": True},
    "PUT /api/chargers/{charger}/connectors/{connector}": {
        "type": "Type 2",
        "power_w": 22_000,
        "voltage_v": 400,
        "current_a": 32,
        "phases": 3,
    },
    "PUT /api/tariff": {"currency": "EUR", "per_kwh_minor": 45},
    "PUT /api/users/me/email": {"email": "ana@example.net", "password": _PERSON["password"]},
    "PUT /api/users/me/password": {"old": _PERSON["password"], "new": "ten small owls"},
}

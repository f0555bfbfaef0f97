"""What the chief answers look like, by method and path: member and type, `?` where it may be null.

The routes give plain dictionaries; these are what the description says of them, and tests hold
the real answers against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

SHAPES: Final[Mapping[str, str]] = {
    "Alert": (
        "id integer, charger string?, connector integer, subject string?, kind string, "
        "details object, opened_at time, closed_at time?, acknowledged_at time?, "
        "acknowledged_by string?"
    ),
    "Card": (
        "tag string, kind string, label string?, user_id integer?, status string, reason string?, "
        "parent string?, valid_from time?, expiry time?, chargers array?, budgets object"
    ),
    "Charger": (
        "id string, chargerId integer, status string, code string, name string, site object?, "
        "note string?, description string?, dismissed_at time?, registration string, "
        "security_profile integer?, came_on_profile integer, connected boolean, "
        "connection_state string, state string, silent_s number?, heard_at time?, booted_at time?, "
        "vendor string?, model string?, serial string?, firmware string?, commanded string?, "
        "connectors array"
    ),
    "Command": (
        "id integer, charger string, action string, payload object, state string, asked_at time, "
        "asked_by string?, batch string?, sent_at time?, answered_at time?, result object?, "
        "problem string?, observed_at time?, observed object?, hint string?"
    ),
    "Event": ("at time, kind string, connector integer?, transaction_id integer?, details object"),
    "Session": (
        "transaction_id integer, charger string, connector integer, id_tag string, "
        "user_id integer?, reference string?, verdict string, state string, unreachable boolean, "
        "overdue boolean, problem string?, asked_at time?, meter_start_wh integer?, "
        "meter_stop_wh integer?, started_at time?, stopped_at time?, received_at time, "
        "stop_reason string?, duration_s integer, energy_wh integer, power_w integer?, "
        "power_derived boolean, soc_percent integer?, measured_at time?, currency string?, "
        "cost_minor integer?, start_command integer?, stop_command integer?, closed object?"
    ),
    "Site": (
        "id integer, name string, address string?, latitude number?, longitude number?, "
        "time_zone string, description string?, note string?"
    ),
    "Tariff": "currency string, per_kwh_minor integer",
    "Tokens": (
        "access_token string, token_type string, expires_in integer, refresh_token string, "
        "user object"
    ),
    "UserAnswer": (
        "id integer, email string?, name string, surname string, language string, role string, "
        "is_verified boolean, is_disabled boolean, has_second_factor boolean, created_at time, "
        "changed_at time"
    ),
}
ANSWERS: Final[Mapping[str, str]] = {
    "GET /api/alerts": "[Alert]",
    "GET /api/cards": "[Card]",
    "GET /api/cards/{tag}": "Card",
    "GET /api/chargers": "[Charger]",
    "GET /api/chargers/{charger}": "Charger",
    "GET /api/chargers/{charger}/commands": "[Command]",
    "GET /api/chargers/{charger}/events": "[Event]",
    "GET /api/commands/{command_id}": "Command",
    "GET /api/sessions": "[Session]",
    "GET /api/sessions/{transaction_id}": "Session",
    "GET /api/sites": "[Site]",
    "GET /api/sites/{site_id}": "Site",
    "GET /api/users": "[UserAnswer]",
    "GET /api/users/me": "UserAnswer",
    "GET /api/users/{user}": "UserAnswer",
    "PATCH /api/sites/{site_id}": "Site",
    "PATCH /api/users/me": "UserAnswer",
    "PATCH /api/users/{user}": "UserAnswer",
    "POST /api/alerts/{alert_id}/acknowledge": "Alert",
    "POST /api/auth/login": "Tokens",
    "POST /api/auth/refresh": "Tokens",
    "POST /api/auth/register": "Tokens",
    "POST /api/auth/token": "Tokens",
    "POST /api/chargers": "Charger",
    "POST /api/chargers/{charger}/commands": "Command",
    "POST /api/sites": "Site",
    "POST /api/users": "UserAnswer",
    "PUT /api/cards/{tag}": "Card",
    "PUT /api/chargers/{charger}": "Charger",
    "PUT /api/tariff": "Tariff",
}
"""Which of them a route gives, in brackets a list of it; more members may come."""


def shapes() -> dict[str, Schema]:
    """Give the schema of each shape."""
    return {name: _shape(name, text) for name, text in SHAPES.items()}


def answer_of(name: str) -> Schema | None:
    """Give the schema of a route's good answer, `None` when it is not told here."""
    told = ANSWERS.get(name)
    if told is None:
        return None
    one: Schema = {"$ref": f"#/components/schemas/{told.strip('[]')}"}
    return {"type": "array", "items": one} if told.startswith("[") else one


def _shape(name: str, text: str) -> Schema:
    members = dict(one.split(" ") for one in text.split(", "))
    return {
        "type": "object",
        "title": name,
        "required": list(members),
        "properties": {member: _type(kind) for member, kind in members.items()},
    }


def _type(told: str) -> Schema:
    kind = told.removesuffix("?")
    plain: Schema = {"type": kind}
    if kind == "time":
        plain = {"type": "string", "format": "date-time"}
    return {**plain, "type": [plain["type"], "null"]} if told.endswith("?") else plain

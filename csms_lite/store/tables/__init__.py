"""All tables of the central system, a module per capability; each is written by its own alone.

Moments are `*_at_ms` (see `csms_lite.clock`), energy is whole Wh, money whole minor units.
Text columns that end in `_json` hold compact JSON. Nothing of money is ever deleted.
"""

from csms_lite.store.tables.accounts import (
    accounts,
    api_keys,
    recovery_codes,
    second_factors,
    sign_ins,
)
from csms_lite.store.tables.audit import audit
from csms_lite.store.tables.commands import commands
from csms_lite.store.tables.history import beats, boots, statuses
from csms_lite.store.tables.live import changes, epochs
from csms_lite.store.tables.messages import delays, frames, log_metadata
from csms_lite.store.tables.metadata import metadata
from csms_lite.store.tables.ocpp import answers
from csms_lite.store.tables.people import cards
from csms_lite.store.tables.sessions import breaches, samples, sessions
from csms_lite.store.tables.stations import connectors, events, stations
from csms_lite.store.tables.tariffs import tariffs
from csms_lite.store.tables.webhooks import deliveries, webhooks

__all__ = [
    "accounts",
    "answers",
    "api_keys",
    "audit",
    "beats",
    "boots",
    "breaches",
    "cards",
    "changes",
    "commands",
    "connectors",
    "delays",
    "deliveries",
    "epochs",
    "events",
    "frames",
    "log_metadata",
    "metadata",
    "recovery_codes",
    "samples",
    "second_factors",
    "sessions",
    "sign_ins",
    "stations",
    "statuses",
    "tariffs",
    "webhooks",
]

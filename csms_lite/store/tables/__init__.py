"""All tables of the central system, a module per capability; each is written by its own alone.

Moments are `*_at_ms` (see `csms_lite.clock`), energy is whole Wh, money whole minor units.
Text columns that end in `_json` hold compact JSON. Nothing here is ever deleted but old answers,
station keys no longer valid, entries of the inbox, and what staff takes back of a description.
"""

from csms_lite.store.tables.accounts import (
    accounts,
    api_keys,
    recovery_codes,
    second_factors,
    sign_ins,
)
from csms_lite.store.tables.alerts import alerts
from csms_lite.store.tables.audit import audit
from csms_lite.store.tables.commands import commands
from csms_lite.store.tables.doors import inbox, station_keys
from csms_lite.store.tables.history import beats, boots, statuses
from csms_lite.store.tables.live import epochs
from csms_lite.store.tables.metadata import metadata
from csms_lite.store.tables.ocpp import answers
from csms_lite.store.tables.people import cards
from csms_lite.store.tables.sessions import samples, sessions
from csms_lite.store.tables.sites import plates, sites
from csms_lite.store.tables.stations import (
    availabilities,
    connectors,
    derivations,
    events,
    stations,
)
from csms_lite.store.tables.tariffs import tariffs

__all__ = [
    "accounts",
    "alerts",
    "answers",
    "api_keys",
    "audit",
    "availabilities",
    "beats",
    "boots",
    "cards",
    "commands",
    "connectors",
    "derivations",
    "epochs",
    "events",
    "inbox",
    "metadata",
    "plates",
    "recovery_codes",
    "samples",
    "second_factors",
    "sessions",
    "sign_ins",
    "sites",
    "station_keys",
    "stations",
    "statuses",
    "tariffs",
]

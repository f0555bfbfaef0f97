"""All tables of the central system, a module per capability; each is written by its own alone.

Moments are `*_at_ms` (see `csms_lite.clock`), energy is whole Wh, money whole minor units.
Text columns that end in `_json` hold compact JSON. Nothing here is ever deleted but old answers and
spent addresses.
"""

from csms_lite.store.tables.accounts import (
    accounts,
    api_keys,
    recovery_codes,
    second_factors,
    sign_ins,
)
from csms_lite.store.tables.audit import audit
from csms_lite.store.tables.certificates import signing_requests
from csms_lite.store.tables.commands import commands
from csms_lite.store.tables.files import addresses, files
from csms_lite.store.tables.history import beats, boots, statuses
from csms_lite.store.tables.live import epochs
from csms_lite.store.tables.metadata import metadata
from csms_lite.store.tables.ocpp import answers
from csms_lite.store.tables.people import cards
from csms_lite.store.tables.sessions import breaches, samples, sessions
from csms_lite.store.tables.stations import connectors, events, stations
from csms_lite.store.tables.tariffs import tariffs

__all__ = [
    "accounts",
    "addresses",
    "answers",
    "api_keys",
    "audit",
    "beats",
    "boots",
    "breaches",
    "cards",
    "commands",
    "connectors",
    "epochs",
    "events",
    "files",
    "metadata",
    "recovery_codes",
    "samples",
    "second_factors",
    "sessions",
    "sign_ins",
    "signing_requests",
    "stations",
    "statuses",
    "tariffs",
]

"""All tables of the central system, a module per capability; each is written by its own alone.

Moments are `*_at_ms` (see `csms_lite.clock`), energy is whole Wh, money whole minor units.
Text columns that end in `_json` hold compact JSON. Nothing of money or energy is ever deleted.
"""

from csms_lite.store.tables.access import access_policies
from csms_lite.store.tables.accounts import (
    accounts,
    api_keys,
    identities,
    mail_codes,
    recovery_codes,
    second_factors,
    sign_ins,
    user_pushes,
)
from csms_lite.store.tables.alerts import alerts
from csms_lite.store.tables.audit import audit
from csms_lite.store.tables.certificates import signing_requests
from csms_lite.store.tables.commands import commands
from csms_lite.store.tables.doors import inbox, station_keys
from csms_lite.store.tables.enrolment import enrolments, unknown_tags
from csms_lite.store.tables.files import addresses, files
from csms_lite.store.tables.history import beats, boots, statuses
from csms_lite.store.tables.live import changes, epochs
from csms_lite.store.tables.local_list import local_list_entries, local_lists
from csms_lite.store.tables.mail import outbox
from csms_lite.store.tables.messages import delays, frames, log_metadata
from csms_lite.store.tables.metadata import metadata
from csms_lite.store.tables.ocpp import answers
from csms_lite.store.tables.people import budgets, card_changes, card_groups, cards, rights
from csms_lite.store.tables.sessions import breaches, samples, sessions
from csms_lite.store.tables.sites import plates, sites
from csms_lite.store.tables.stations import (
    availabilities,
    connectors,
    derivations,
    events,
    stations,
)
from csms_lite.store.tables.tariffs import tariffs
from csms_lite.store.tables.webhooks import deliveries, webhooks

__all__ = [
    "access_policies",
    "accounts",
    "addresses",
    "alerts",
    "answers",
    "api_keys",
    "audit",
    "availabilities",
    "beats",
    "boots",
    "breaches",
    "budgets",
    "card_changes",
    "card_groups",
    "cards",
    "changes",
    "commands",
    "connectors",
    "delays",
    "deliveries",
    "derivations",
    "enrolments",
    "epochs",
    "events",
    "files",
    "frames",
    "identities",
    "inbox",
    "local_list_entries",
    "local_lists",
    "log_metadata",
    "mail_codes",
    "metadata",
    "outbox",
    "plates",
    "recovery_codes",
    "rights",
    "samples",
    "second_factors",
    "sessions",
    "sign_ins",
    "signing_requests",
    "sites",
    "station_keys",
    "stations",
    "statuses",
    "tariffs",
    "unknown_tags",
    "user_pushes",
    "webhooks",
]

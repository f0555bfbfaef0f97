"""All tables of the central system, a module per capability; each is written by its own alone.

Moments are `*_at_ms` (see `csms_lite.clock`), energy is whole Wh, money whole minor units.
Text columns that end in `_json` hold compact JSON. Nothing here is ever deleted but old answers.
"""

from csms_lite.store.tables.access import access_policies
from csms_lite.store.tables.commands import commands
from csms_lite.store.tables.enrolment import enrolments, unknown_tags
from csms_lite.store.tables.live import epochs
from csms_lite.store.tables.local_list import local_list_entries, local_lists
from csms_lite.store.tables.metadata import metadata
from csms_lite.store.tables.ocpp import answers
from csms_lite.store.tables.people import budgets, card_changes, card_groups, cards, rights
from csms_lite.store.tables.sessions import samples, sessions
from csms_lite.store.tables.stations import connectors, events, stations
from csms_lite.store.tables.tariffs import tariffs

__all__ = [
    "access_policies",
    "answers",
    "budgets",
    "card_changes",
    "card_groups",
    "cards",
    "commands",
    "connectors",
    "enrolments",
    "epochs",
    "events",
    "local_list_entries",
    "local_lists",
    "metadata",
    "rights",
    "samples",
    "sessions",
    "stations",
    "tariffs",
    "unknown_tags",
]

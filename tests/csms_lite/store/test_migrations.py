"""The schema that migrations make is the schema that the code believes in."""

from __future__ import annotations

import ast
import importlib
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.dml import UpdateBase

from csms_lite.clock import SystemClock
from csms_lite.commands.service import command as find_command
from csms_lite.stations.service import notes_on_station, station
from csms_lite.store.migrate import MIGRATIONS
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import metadata
from csms_lite.store.thread import open_database
from csms_lite.store.writer import open_store

PACKAGE = Path(__file__).parents[3] / "csms_lite"
OWNER = {
    "access_policies": "access",
    "accounts": "accounts",
    "addresses": "files",
    "alerts": "alerts",
    "answers": "ocpp",
    "api_keys": "accounts",
    "audit": "audit",
    "availabilities": "stations",
    "beats": "history",
    "boots": "history",
    "budgets": "people",
    "card_changes": "people",
    "card_groups": "people",
    "cards": "people",
    "changes": "live",
    "commands": "commands",
    "connectors": "stations",
    "delays": "messages",
    "deliveries": "webhooks",
    "derivations": "stations",
    "enrolments": "enrolment",
    "epochs": "live",
    "events": "stations",
    "files": "files",
    "frames": "messages",
    "identities": "accounts",
    "inbox": "stations",
    "local_list_entries": "local_list",
    "local_lists": "local_list",
    "mail_codes": "accounts",
    "outbox": "mail",
    "plates": "stations",
    "recovery_codes": "accounts",
    "rights": "people",
    "samples": "sessions",
    "second_factors": "accounts",
    "sessions": "sessions",
    "sign_ins": "accounts",
    "signing_requests": "certificates",
    "sites": "stations",
    "station_keys": "stations",
    "stations": "stations",
    "statuses": "history",
    "tariffs": "tariffs",
    "unknown_tags": "enrolment",
    "user_pushes": "accounts",
    "webhooks": "webhooks",
}


async def test_migrations_make_the_declared_tables(tmp_path: Path) -> None:
    """A table changed without a migration would break every installed system."""

    def differences(db: Connection) -> list[object]:
        context = MigrationContext.configure(db, opts={"compare_type": True})
        found = compare_metadata(context, metadata)
        return [one for one in found if one[0] != "remove_table" or one[1].name in OWNER]

    path = tmp_path / "csms.db"
    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        assert await store.do(differences) == []


async def test_a_second_start_finds_the_schema_done(tmp_path: Path) -> None:
    """Migrations run once."""
    path = tmp_path / "csms.db"
    for _ in range(2):
        async with open_store(path, clock=SystemClock(), open_database=open_database):
            pass


def _fill(path: Path, revision: str, rows: str) -> None:
    """Make a database of an earlier version with *rows* in it."""
    with closing(sqlite3.connect(path)) as file:
        engine = create_engine("sqlite://", creator=lambda: file, poolclass=StaticPool)
        with engine.connect() as db:
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = db
            command.upgrade(config, revision)
            db.commit()
        file.executescript(rows)


STATION = """
    INSERT INTO stations (station_id, identity, code, name, registration, connection,
        created_at_ms) VALUES (7, 'CP-7', 'CODE', 'Seven', 'Accepted', 3, 1);
"""


async def test_what_opens_an_address_is_taken_out_of_old_commands(tmp_path: Path) -> None:
    """And nothing else is changed."""
    path = tmp_path / "csms.db"
    payloads = {
        1: '{"location":"https://here/files/up/00112233445566778899aabbccddeeff"}',
        2: '{"location":"ftp://me:hush@host/dir","retries":1}',
        3: '{"key":"files","value":"a@b"}',
    }
    asked = "".join(
        f"""
        INSERT INTO commands (command_id, station_id, action, payload_json, state, message_id,
            asked_at_ms, deadline_ms)
            VALUES ({number}, 7, 'X', '{text}', 'asked', '{number}', 1, 2);
        """
        for number, text in payloads.items()
    )
    _fill(path, "0010", STATION + asked)
    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        kept = [(await store.read(find_command, number)).payload_json for number in payloads]
    assert kept == [
        '{"location":"https://here/files/up/********"}',
        '{"location":"ftp://********@host/dir","retries":1}',
        payloads[3],
    ]


async def test_stations_of_the_first_version_live_on(tmp_path: Path) -> None:
    """Columns are added under a table that others refer to, with rows in it."""
    path = tmp_path / "csms.db"
    told = "INSERT INTO events (station_id, at_ms, kind, details_json) VALUES (7, 1, 'x', '{}');"
    _fill(path, "0001", STATION + told)
    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        known = await store.read(station, "CP-7")
        assert (known.connection, known.profile, known.came_profile) == (3, None, 0)
        assert len(await store.read(notes_on_station, 7, 9)) == 1


def test_only_its_owner_writes_a_table() -> None:
    """Anyone may read a table, one capability writes it."""
    strays = []
    seen = set()
    for path in sorted(PACKAGE.glob("*/*sql.py")):
        module = importlib.import_module(f"csms_lite.{path.parent.name}.{path.stem}")
        for name, value in vars(module).items():
            if isinstance(value, Prepared) and isinstance(value.statement, UpdateBase):
                table = value.statement.entity_description["table"].name
                seen.add(table)
                if OWNER[table] != path.parent.name:
                    strays.append(f"{path.parent.name}.{path.stem}.{name} writes {table}")
    assert strays == []
    assert seen == set(OWNER)


LAYERS = (
    "store",
    "audit",
    "mail",
    "accounts",
    "people",
    "stations",
    "history",
    "alerts",
    "enrolment",
    "tariffs",
    "commands",
    "files certificates local_list",
    "sessions",
    "access",
    "charging",
    "messages",
    "ocpp live",
    "webhooks",
)


def test_lower_capabilities_do_not_import_higher_ones() -> None:
    """Imports go down `LAYERS` only."""
    rank = {name: number for number, names in enumerate(LAYERS) for name in names.split()}
    strays = []
    for folder, level in rank.items():
        for path in (PACKAGE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                    "csms_lite."
                ):
                    other = str(node.module).split(".")[1]
                    if other in rank and other != folder and rank[other] >= level:
                        strays.append(f"{path.name} in {folder} imports {node.module}")
    assert strays == []

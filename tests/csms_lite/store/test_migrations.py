"""The schema that migrations make is the schema that the code believes in."""

from __future__ import annotations

import ast
import importlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.dml import UpdateBase

from csms_lite.alerts.service import list_alerts, raise_alert
from csms_lite.clock import SystemClock
from csms_lite.commands.service import command as find_command
from csms_lite.errors import VerbFailed
from csms_lite.stations.service import notes_on_station, station
from csms_lite.store.migrate import MIGRATIONS
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import metadata
from csms_lite.store.thread import open_database, raw_of
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


OWNED = """
    INSERT INTO accounts (account_id, name, surname, language, role, is_verified, is_disabled,
        token_version, created_at_ms, changed_at_ms)
        VALUES (5, 'A', 'B', 'en', 'USER', 1, 0, 0, 1, 1);
    INSERT INTO cards (tag_key, tag, status, changed_at_ms, user_id, has_budget)
        VALUES ('A', 'A', 'Accepted', 1, 5, 1), ('B', 'B', 'Accepted', 1, 99, 0);
    INSERT INTO budgets (holder, holder_key, period, energy_wh) VALUES ('card', 'A', 'day', 7);
    INSERT INTO rights (holder, holder_key, station_id) VALUES ('card', 'A', 7);
    INSERT INTO sessions (transaction_id, station_id, connector, id_tag, verdict, state,
        started_at_ms, received_at_ms, user_id)
        VALUES (41, 7, 1, 'A', 'Accepted', 'pending', 1, 1, 5),
            (42, 7, 1, 'B', 'Accepted', 'pending', 1, 1, 99);
    INSERT INTO enrolments (enrolment_id, station_id, state, opened_at_ms, until_ms, who, kind,
        user_id) VALUES (1, 7, 'open', 1, 2, 'x', 'rfid', 5), (2, 7, 'open', 1, 2, 'x', 'rfid', 99);
"""


async def test_owners_of_an_older_version_stay_and_nobodys_numbers_go(tmp_path: Path) -> None:
    """With all that refers to them; from now on an owner has an account."""
    path = tmp_path / "csms.db"
    _fill(path, "0011", STATION + OWNED)

    def found(db: Connection) -> dict[str, list[tuple[object, ...]]]:
        queries = {
            "cards": "SELECT tag, user_id FROM cards ORDER BY tag",
            "sessions": "SELECT transaction_id, user_id FROM sessions ORDER BY 1",
            "enrolments": "SELECT enrolment_id, user_id FROM enrolments ORDER BY 1",
            "budgets": "SELECT holder_key, energy_wh FROM budgets",
            "rights": "SELECT holder_key, station_id FROM rights",
            "wrong": "PRAGMA foreign_key_check",
        }
        return {name: raw_of(db).execute(query).fetchall() for name, query in queries.items()}

    def give_to_nobody(db: Connection, table: str) -> None:
        raw_of(db).execute(f"UPDATE {table} SET user_id = 99")

    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        assert await store.do(found) == {
            "cards": [("A", 5), ("B", None)],
            "sessions": [(41, 5), (42, None)],
            "enrolments": [(1, 5), (2, None)],
            "budgets": [("A", 7)],
            "rights": [("A", 7)],
            "wrong": [],
        }
        for table in ("cards", "sessions", "enrolments"):
            with pytest.raises(VerbFailed, match="FOREIGN KEY"):
                await store.do(give_to_nobody, table)


ALERTS = """
    INSERT INTO alerts (alert_id, station_id, connector, kind, details_json, opened_at_ms,
        closed_at_ms) VALUES (3, 7, 1, 'fault', '{}', 1, 2), (4, 7, 0, 'offline', '{}', 1, NULL);
"""


async def test_alerts_of_an_older_version_stay_and_ours_are_open_once(tmp_path: Path) -> None:
    """The table is made anew, with its numbers and with one open alert of each."""
    path = tmp_path / "csms.db"
    _fill(path, "0013", STATION + ALERTS)

    def add_own(db: Connection) -> None:
        raw_of(db).execute(
            "INSERT INTO alerts (connector, kind, subject, details_json, opened_at_ms)"
            " VALUES (0, 'certificate', 'a', '{}', 1)"
        )

    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        assert [
            (one.alert_id, one.charger, one.kind, one.closed_at_ms)
            for one in await store.read(list_alerts, 9)
        ] == [(4, "CP-7", "offline", None), (3, "CP-7", "fault", 2)]
        assert await store.do(raise_alert, 7, "offline", {"x": 1}, now_ms=3) is False
        await store.do(add_own)
        assert (await store.read(list_alerts, 1))[0].alert_id > 4
        with pytest.raises(VerbFailed, match="UNIQUE"):
            await store.do(add_own)


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

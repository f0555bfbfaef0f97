"""The schema that migrations make is the schema that the code believes in."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.sql.dml import UpdateBase

from csms_lite.clock import SystemClock
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import metadata
from csms_lite.store.thread import open_database
from csms_lite.store.writer import open_store

PACKAGE = Path(__file__).parents[3] / "csms_lite"
OWNER = {
    "accounts": "accounts",
    "answers": "ocpp",
    "api_keys": "accounts",
    "audit": "audit",
    "beats": "history",
    "boots": "history",
    "alerts": "alerts",
    "availabilities": "stations",
    "cards": "people",
    "commands": "commands",
    "connectors": "stations",
    "derivations": "stations",
    "epochs": "live",
    "events": "stations",
    "recovery_codes": "accounts",
    "inbox": "stations",
    "plates": "stations",
    "samples": "sessions",
    "second_factors": "accounts",
    "sessions": "sessions",
    "sign_ins": "accounts",
    "sites": "stations",
    "station_keys": "stations",
    "stations": "stations",
    "statuses": "history",
    "tariffs": "tariffs",
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
    "accounts",
    "people",
    "stations",
    "history",
    "alerts",
    "tariffs",
    "commands",
    "sessions",
    "access",
    "charging",
    "ocpp live",
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

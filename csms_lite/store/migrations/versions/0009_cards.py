"""Cards with owners, groups, rights and budgets; unknown tags; local lists of chargers."""

from __future__ import annotations

import sqlalchemy
from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Text

revision = "0009"
down_revision = "0007"


def upgrade() -> None:
    """Widen the cards and create what belongs to them."""
    _cards()
    _groups()
    _changes()
    _access()
    _enrolment()
    _local_lists()


def _cards() -> None:
    with op.batch_alter_table("cards") as cards:
        cards.add_column(Column("kind", String(8), nullable=False, server_default="rfid"))
        cards.add_column(Column("label", String(50)))
        cards.add_column(Column("user_id", Integer()))
        cards.add_column(Column("reason", String(200)))
        cards.add_column(Column("parent_key", String(20)))
        cards.add_column(Column("valid_from_ms", BigInteger()))
        cards.add_column(Column("is_limited", Integer(), nullable=False, server_default="0"))
        cards.add_column(Column("has_budget", Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE cards SET parent_key = upper(parent)")
    for column in ("parent_key", "user_id", "valid_from_ms"):
        op.create_index(f"ix_cards_{column}", "cards", [column])
    op.create_index(
        "ix_sessions_running",
        "sessions",
        ["station_id"],
        sqlite_where=sqlalchemy.text("state = 'running'"),
    )
    op.create_index(
        "ix_sessions_tag_key", "sessions", [sqlalchemy.text("upper(id_tag)"), "started_at_ms"]
    )


def _groups() -> None:
    op.create_table(
        "card_groups",
        Column("group_key", String(20), nullable=False),
        Column("name", String(20), nullable=False),
        Column("label", String(50)),
        Column("status", String(12), nullable=False),
        Column("reason", String(200)),
        Column("is_limited", Integer(), nullable=False),
        Column("has_budget", Integer(), nullable=False),
        Column("changed_at_ms", BigInteger(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("group_key", name="pk_card_groups"),
    )
    op.create_table(
        "rights",
        Column("holder", String(5), nullable=False),
        Column("holder_key", String(20), nullable=False),
        Column("station_id", Integer(), _station("rights"), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("holder", "holder_key", "station_id", name="pk_rights"),
    )
    op.create_table(
        "budgets",
        Column("holder", String(5), nullable=False),
        Column("holder_key", String(20), nullable=False),
        Column("period", String(5), nullable=False),
        Column("energy_wh", BigInteger()),
        Column("sessions", Integer()),
        sqlalchemy.PrimaryKeyConstraint("holder", "holder_key", "period", name="pk_budgets"),
    )


def _changes() -> None:
    op.create_table(
        "card_changes",
        Column("change_id", Integer(), nullable=False),
        Column("holder", String(5), nullable=False),
        Column("holder_key", String(20), nullable=False),
        Column("at_ms", BigInteger(), nullable=False),
        Column("who", String(200), nullable=False),
        Column("details_json", Text(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("change_id", name="pk_card_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_card_changes_holder_holder_key_change_id",
        "card_changes",
        ["holder", "holder_key", "change_id"],
    )


def _access() -> None:
    op.create_table(
        "access_policies",
        Column("station_id", Integer(), _station("access_policies"), nullable=False),
        Column("policy", String(6), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("station_id", name="pk_access_policies"),
    )


def _enrolment() -> None:
    op.create_table(
        "unknown_tags",
        Column("tag_key", String(20), nullable=False),
        Column("tag", String(20), nullable=False),
        Column("station_id", Integer(), _station("unknown_tags"), nullable=False),
        Column("connector", Integer()),
        Column("presented", Integer(), nullable=False),
        Column("first_at_ms", BigInteger(), nullable=False),
        Column("last_at_ms", BigInteger(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("tag_key", name="pk_unknown_tags"),
    )
    op.create_index("ix_unknown_tags_last_at_ms", "unknown_tags", ["last_at_ms"])
    op.create_table(
        "enrolments",
        Column("enrolment_id", Integer(), nullable=False),
        Column("station_id", Integer(), _station("enrolments"), nullable=False),
        Column("state", String(9), nullable=False),
        Column("opened_at_ms", BigInteger(), nullable=False),
        Column("until_ms", BigInteger(), nullable=False),
        Column("who", String(200), nullable=False),
        Column("kind", String(8), nullable=False),
        Column("label", String(50)),
        Column("user_id", Integer()),
        Column("parent", String(20)),
        Column("expires_at_ms", BigInteger()),
        Column("tag", String(20)),
        sqlalchemy.PrimaryKeyConstraint("enrolment_id", name="pk_enrolments"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_enrolments_station_id_enrolment_id", "enrolments", ["station_id", "enrolment_id"]
    )


def _local_lists() -> None:
    op.create_table(
        "local_lists",
        Column("station_id", Integer(), _station("local_lists"), nullable=False),
        Column("wish", String(3)),
        Column("version", BigInteger()),
        Column("highest", BigInteger(), nullable=False),
        Column("doubts", Integer(), nullable=False),
        Column("cleared", Integer(), nullable=False),
        Column("command_id", Integer()),
        Column("asked_in_doubt", Integer(), nullable=False),
        Column("lost_command_id", Integer()),
        Column("seen_command_id", Integer(), nullable=False),
        Column("unsupported", String(200)),
        Column("knows_limits", Integer(), nullable=False),
        Column("longest", Integer()),
        Column("per_message", Integer()),
        Column("failures", Integer(), nullable=False),
        Column("retry_at_ms", BigInteger()),
        Column("problem", Text()),
        Column("in_step_at_ms", BigInteger()),
        sqlalchemy.PrimaryKeyConstraint("station_id", name="pk_local_lists"),
    )
    op.create_table(
        "local_list_entries",
        Column("station_id", Integer(), _station("local_list_entries"), nullable=False),
        Column("tag_key", String(20), nullable=False),
        Column("entry_json", Text(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("station_id", "tag_key", name="pk_local_list_entries"),
        sqlite_with_rowid=False,
    )


def _station(table: str) -> ForeignKey:
    return ForeignKey("stations.station_id", name=f"fk_{table}_station_id")

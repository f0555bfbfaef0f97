"""The first schema: stations, cards, one price, commands, sessions, samples, answers."""

from __future__ import annotations

import sqlalchemy
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table of the first version."""
    _answers()
    _cards()
    _epochs()
    _samples()
    _stations()
    _tariffs()
    _commands()
    _connectors()
    _events()
    _sessions()


def _answers() -> None:
    op.create_table(
        "answers",
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("message_id", sqlalchemy.String(length=36), nullable=False),
        sqlalchemy.Column("digest", sqlalchemy.String(length=32), nullable=False),
        sqlalchemy.Column("connection", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("answer_json", sqlalchemy.Text(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("station_id", "message_id", "digest", name="pk_answers"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_answers_at_ms", "answers", ["at_ms"])


def _cards() -> None:
    op.create_table(
        "cards",
        sqlalchemy.Column("tag_key", sqlalchemy.String(length=20), nullable=False),
        sqlalchemy.Column("tag", sqlalchemy.String(length=20), nullable=False),
        sqlalchemy.Column("status", sqlalchemy.String(length=12), nullable=False),
        sqlalchemy.Column("parent", sqlalchemy.String(length=20)),
        sqlalchemy.Column("expires_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("changed_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("tag_key", name="pk_cards"),
    )


def _epochs() -> None:
    op.create_table(
        "epochs",
        sqlalchemy.Column("epoch", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("started_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("epoch", name="pk_epochs"),
        sqlite_autoincrement=True,
    )


def _samples() -> None:
    op.create_table(
        "samples",
        sqlalchemy.Column("sample_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("connector", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("transaction_id", sqlalchemy.BigInteger()),
        sqlalchemy.Column("at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("energy_wh", sqlalchemy.BigInteger()),
        sqlalchemy.Column("power_w", sqlalchemy.Integer()),
        sqlalchemy.Column("values_json", sqlalchemy.Text(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("sample_id", name="pk_samples"),
    )
    op.create_index("ix_samples_transaction_id", "samples", ["transaction_id"])


def _stations() -> None:
    op.create_table(
        "stations",
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("identity", sqlalchemy.String(length=48), nullable=False),
        sqlalchemy.Column("code", sqlalchemy.String(length=48), nullable=False),
        sqlalchemy.Column("name", sqlalchemy.String(length=100), nullable=False),
        sqlalchemy.Column("registration", sqlalchemy.String(length=10), nullable=False),
        sqlalchemy.Column("connection", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("vendor", sqlalchemy.String(length=50)),
        sqlalchemy.Column("model", sqlalchemy.String(length=50)),
        sqlalchemy.Column("serial", sqlalchemy.String(length=50)),
        sqlalchemy.Column("firmware", sqlalchemy.String(length=50)),
        sqlalchemy.Column("boot_json", sqlalchemy.Text()),
        sqlalchemy.Column("created_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("booted_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("heard_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.PrimaryKeyConstraint("station_id", name="pk_stations"),
        sqlalchemy.UniqueConstraint("code", name="uq_stations_code"),
        sqlalchemy.UniqueConstraint("identity", name="uq_stations_identity"),
    )


def _tariffs() -> None:
    op.create_table(
        "tariffs",
        sqlalchemy.Column("tariff_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("currency", sqlalchemy.String(length=3), nullable=False),
        sqlalchemy.Column("per_kwh_minor", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("from_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("tariff_id", name="pk_tariffs"),
    )


def _commands() -> None:
    op.create_table(
        "commands",
        sqlalchemy.Column("command_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("action", sqlalchemy.String(length=50), nullable=False),
        sqlalchemy.Column("payload_json", sqlalchemy.Text(), nullable=False),
        sqlalchemy.Column("state", sqlalchemy.String(length=12), nullable=False),
        sqlalchemy.Column("message_id", sqlalchemy.String(length=36), nullable=False),
        sqlalchemy.Column("asked_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("deadline_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("sent_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("answered_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("result_json", sqlalchemy.Text()),
        sqlalchemy.Column("problem", sqlalchemy.Text()),
        sqlalchemy.ForeignKeyConstraint(
            ["station_id"], ["stations.station_id"], name="fk_commands_station_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("command_id", name="pk_commands"),
        sqlalchemy.UniqueConstraint("message_id", name="uq_commands_message_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_commands_station_id_state", "commands", ["station_id", "state"])


def _connectors() -> None:
    op.create_table(
        "connectors",
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("connector", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("status", sqlalchemy.String(length=20), nullable=False),
        sqlalchemy.Column("error_code", sqlalchemy.String(length=50), nullable=False),
        sqlalchemy.Column("info", sqlalchemy.String(length=50)),
        sqlalchemy.Column("vendor_id", sqlalchemy.String(length=255)),
        sqlalchemy.Column("vendor_error_code", sqlalchemy.String(length=50)),
        sqlalchemy.Column("since_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("received_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.ForeignKeyConstraint(
            ["station_id"], ["stations.station_id"], name="fk_connectors_station_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("station_id", "connector", name="pk_connectors"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sqlalchemy.Column("event_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("kind", sqlalchemy.String(length=40), nullable=False),
        sqlalchemy.Column("connector", sqlalchemy.Integer()),
        sqlalchemy.Column("transaction_id", sqlalchemy.BigInteger()),
        sqlalchemy.Column("details_json", sqlalchemy.Text(), nullable=False),
        sqlalchemy.ForeignKeyConstraint(
            ["station_id"], ["stations.station_id"], name="fk_events_station_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("event_id", name="pk_events"),
    )
    op.create_index("ix_events_station_id_at_ms", "events", ["station_id", "at_ms"])
    op.create_index("ix_events_transaction_id", "events", ["transaction_id"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sqlalchemy.Column("transaction_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("connector", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("id_tag", sqlalchemy.String(length=20), nullable=False),
        sqlalchemy.Column("verdict", sqlalchemy.String(length=12), nullable=False),
        sqlalchemy.Column("state", sqlalchemy.String(length=12), nullable=False),
        sqlalchemy.Column("message_id", sqlalchemy.String(length=36), nullable=False),
        sqlalchemy.Column("reservation_id", sqlalchemy.BigInteger()),
        sqlalchemy.Column("meter_start_wh", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("started_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("received_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("meter_stop_wh", sqlalchemy.BigInteger()),
        sqlalchemy.Column("stopped_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("stop_reason", sqlalchemy.String(length=20)),
        sqlalchemy.Column("stop_tag", sqlalchemy.String(length=20)),
        sqlalchemy.Column("stop_received_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("cable_out_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("register_wh", sqlalchemy.BigInteger()),
        sqlalchemy.Column("power_w", sqlalchemy.Integer()),
        sqlalchemy.Column("measured_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("currency", sqlalchemy.String(length=3)),
        sqlalchemy.Column("per_kwh_minor", sqlalchemy.BigInteger()),
        sqlalchemy.ForeignKeyConstraint(
            ["station_id"], ["stations.station_id"], name="fk_sessions_station_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("transaction_id", name="pk_sessions"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sessions_started_at_ms", "sessions", ["started_at_ms"])
    op.create_index(
        "ix_sessions_station_id_connector_started_at_ms",
        "sessions",
        ["station_id", "connector", "started_at_ms"],
    )

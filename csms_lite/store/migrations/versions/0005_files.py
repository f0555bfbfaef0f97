"""What comes of commands; files that stations bring and fetch; requests for certificates."""

from __future__ import annotations

import sqlalchemy
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns and tables."""
    _commands()
    _files()
    _addresses()
    _signing_requests()


def _commands() -> None:
    with op.batch_alter_table("commands") as commands:
        commands.add_column(sqlalchemy.Column("observed_at_ms", sqlalchemy.BigInteger()))
        commands.add_column(sqlalchemy.Column("observed_json", sqlalchemy.Text()))
        commands.add_column(sqlalchemy.Column("awaits", sqlalchemy.String(length=50)))
        commands.add_column(sqlalchemy.Column("asked_by", sqlalchemy.String(length=100)))
        commands.add_column(sqlalchemy.Column("batch", sqlalchemy.String(length=36)))
        commands.add_column(sqlalchemy.Column("idempotency_key", sqlalchemy.String(length=64)))
    op.create_index("ix_commands_batch", "commands", ["batch"])
    op.create_index(
        "ix_commands_station_id_idempotency_key",
        "commands",
        ["station_id", "idempotency_key"],
        unique=True,
    )
    op.create_index(
        "ix_commands_awaiting",
        "commands",
        ["station_id", "awaits"],
        sqlite_where=sqlalchemy.text("awaits IS NOT NULL"),
    )


def _files() -> None:
    op.create_table(
        "files",
        sqlalchemy.Column("file_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("kind", sqlalchemy.String(length=12), nullable=False),
        sqlalchemy.Column("name", sqlalchemy.String(length=100), nullable=False),
        sqlalchemy.Column("state", sqlalchemy.String(length=12), nullable=False),
        sqlalchemy.Column("station_id", sqlalchemy.Integer()),
        sqlalchemy.Column("brought_by", sqlalchemy.String(length=100)),
        sqlalchemy.Column("size", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("sha256", sqlalchemy.String(length=64)),
        sqlalchemy.Column("began_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("stored_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.ForeignKeyConstraint(
            ["station_id"], ["stations.station_id"], name="fk_files_station_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("file_id", name="pk_files"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_files_state_stored_at_ms", "files", ["state", "stored_at_ms"])


def _addresses() -> None:
    op.create_table(
        "addresses",
        sqlalchemy.Column("address_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("token_digest", sqlalchemy.String(length=64), nullable=False),
        sqlalchemy.Column("direction", sqlalchemy.String(length=4), nullable=False),
        sqlalchemy.Column("station_id", sqlalchemy.Integer()),
        sqlalchemy.Column("file_id", sqlalchemy.Integer()),
        sqlalchemy.Column("command_id", sqlalchemy.Integer()),
        sqlalchemy.Column("made_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("expires_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("uses_left", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("used_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.ForeignKeyConstraint(
            ["station_id"], ["stations.station_id"], name="fk_addresses_station_id"
        ),
        sqlalchemy.ForeignKeyConstraint(
            ["file_id"], ["files.file_id"], name="fk_addresses_file_id"
        ),
        sqlalchemy.ForeignKeyConstraint(
            ["command_id"], ["commands.command_id"], name="fk_addresses_command_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("address_id", name="pk_addresses"),
        sqlalchemy.UniqueConstraint("token_digest", name="uq_addresses_token_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_addresses_expires_at_ms", "addresses", ["expires_at_ms"])
    op.create_index("ix_addresses_file_id", "addresses", ["file_id"])


def _signing_requests() -> None:
    op.create_table(
        "signing_requests",
        sqlalchemy.Column("request_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("csr", sqlalchemy.Text(), nullable=False),
        sqlalchemy.Column("state", sqlalchemy.String(length=10), nullable=False),
        sqlalchemy.Column("problem", sqlalchemy.Text()),
        sqlalchemy.Column("came_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("ended_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("chain", sqlalchemy.Text()),
        sqlalchemy.Column("command_id", sqlalchemy.Integer()),
        sqlalchemy.ForeignKeyConstraint(
            ["station_id"], ["stations.station_id"], name="fk_signing_requests_station_id"
        ),
        sqlalchemy.ForeignKeyConstraint(
            ["command_id"], ["commands.command_id"], name="fk_signing_requests_command_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("request_id", name="pk_signing_requests"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_signing_requests_station_id_state", "signing_requests", ["station_id", "state"]
    )

"""Sessions that were asked for, closed by hand and measured whole; the history of stations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Let a session be there before it began, and keep what stations tell over time."""
    _sessions()
    _samples()
    _history()
    op.create_index(
        "ix_commands_station_id_action_asked_at_ms",
        "commands",
        ["station_id", "action", "asked_at_ms"],
    )


def _sessions() -> None:
    added = (
        sa.Column("user_id", sa.Integer()),
        sa.Column("reference", sa.String(length=64)),
        sa.Column("asked_at_ms", sa.BigInteger()),
        sa.Column("start_command_id", sa.Integer()),
        sa.Column("stop_command_id", sa.Integer()),
        sa.Column("stop_asked_at_ms", sa.BigInteger()),
        sa.Column("goal_wh", sa.BigInteger()),
        sa.Column("goal_soc_percent", sa.Integer()),
        sa.Column("problem", sa.Text()),
        sa.Column("closed_at_ms", sa.BigInteger()),
        sa.Column("closed_by", sa.String(length=100)),
        sa.Column("close_reason", sa.String(length=500)),
        sa.Column("power_derived", sa.Integer()),
        sa.Column("soc_percent", sa.Integer()),
    )
    indices = _taken_off_indices()
    highest = _highest_number()
    with op.batch_alter_table("sessions", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("state", type_=sa.String(length=14), existing_nullable=False)
        table.alter_column("message_id", existing_type=sa.String(length=36), nullable=True)
        table.alter_column("meter_start_wh", existing_type=sa.BigInteger(), nullable=True)
        for column in added:
            table.add_column(column)
        for name in ("start_command_id", "stop_command_id"):
            table.create_foreign_key(f"fk_sessions_{name}", "commands", [name], ["command_id"])
    for index in indices:
        op.execute(index)
    _count_on_from(highest)
    op.create_index("ix_sessions_state", "sessions", ["state"])
    op.create_index("ix_sessions_user_id_transaction_id", "sessions", ["user_id", "transaction_id"])
    op.create_index(
        "ix_sessions_station_id_reference", "sessions", ["station_id", "reference"], unique=True
    )
    op.create_index("ix_sessions_start_command_id", "sessions", ["start_command_id"], unique=True)


def _taken_off_indices() -> list[str]:
    """Drop the indices and give their statements: a table made anew loses those on expressions."""
    db = op.get_bind()
    found = db.execute(
        sa.text(
            "SELECT name, sql FROM sqlite_master"
            " WHERE type = 'index' AND tbl_name = 'sessions' AND sql IS NOT NULL"
        )
    ).all()
    for name, _ in found:
        op.drop_index(name)
    return [statement for _, statement in found]


def _highest_number() -> int:
    """Give the highest number that a session ever had, whether it is still there or not."""
    query = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'sessions'"
    return int(op.get_bind().execute(sa.text(query)).scalar_one())


def _count_on_from(highest: int) -> None:
    """Let the next session have a higher number: a station may still tell of an old one."""
    db = op.get_bind()
    db.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'sessions'"))
    db.execute(
        sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('sessions', :seq)"),
        {"seq": highest},
    )


def _samples() -> None:
    op.add_column("samples", sa.Column("converted_json", sa.Text()))
    op.add_column("samples", sa.Column("power_derived", sa.Integer()))
    op.add_column("samples", sa.Column("soc_percent", sa.Integer()))


def _history() -> None:
    op.create_table(
        "statuses",
        sa.Column("status_id", sa.Integer(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("connector", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("error_code", sa.String(length=50), nullable=False),
        sa.Column("info", sa.String(length=50)),
        sa.Column("vendor_id", sa.String(length=255)),
        sa.Column("vendor_error_code", sa.String(length=50)),
        sa.Column("told_at_ms", sa.BigInteger()),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station_id"], ["stations.station_id"], name="fk_statuses_station_id"
        ),
        sa.PrimaryKeyConstraint("status_id", name="pk_statuses"),
    )
    op.create_index("ix_statuses_station_id_status_id", "statuses", ["station_id", "status_id"])
    op.create_index("ix_statuses_at_ms", "statuses", ["at_ms"])
    op.create_table(
        "boots",
        sa.Column("boot_id", sa.Integer(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.String(length=10), nullable=False),
        sa.Column("vendor", sa.String(length=50), nullable=False),
        sa.Column("model", sa.String(length=50), nullable=False),
        sa.Column("serial", sa.String(length=50)),
        sa.Column("firmware", sa.String(length=50)),
        sa.Column("iccid", sa.String(length=20)),
        sa.Column("imsi", sa.String(length=20)),
        sa.Column("boot_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station_id"], ["stations.station_id"], name="fk_boots_station_id"
        ),
        sa.PrimaryKeyConstraint("boot_id", name="pk_boots"),
    )
    op.create_index("ix_boots_station_id_boot_id", "boots", ["station_id", "boot_id"])
    op.create_index("ix_boots_at_ms", "boots", ["at_ms"])
    op.create_table(
        "beats",
        sa.Column("beat_id", sa.Integer(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("beats", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station_id"], ["stations.station_id"], name="fk_beats_station_id"
        ),
        sa.PrimaryKeyConstraint("beat_id", name="pk_beats"),
    )
    op.create_index("ix_beats_station_id_at_ms", "beats", ["station_id", "at_ms"])

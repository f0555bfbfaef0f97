"""Sites, plates, keys of stations, the inbox, what is commanded and derived, and alerts."""

from __future__ import annotations

import sqlalchemy
from alembic import op

revision = "0004"
down_revision = "0002"

# Added in place: the table has children, and SQLite would not let it be dropped and made anew.
OF_STATIONS = (
    "site_id INTEGER CONSTRAINT fk_stations_site_id REFERENCES sites (site_id)",
    "note TEXT",
    "description TEXT",
    "dismissed_at_ms BIGINT",
    "profile INTEGER",
    "came_profile INTEGER DEFAULT '0' NOT NULL",
)


def upgrade() -> None:
    """Create them; stations there were stay as they are."""
    _sites()
    for column in OF_STATIONS:
        op.execute(f"ALTER TABLE stations ADD COLUMN {column}")
    _plates()
    _doors()
    _states()
    _alerts()


def _sites() -> None:
    op.create_table(
        "sites",
        sqlalchemy.Column("site_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("name", sqlalchemy.String(length=100), nullable=False),
        sqlalchemy.Column("address", sqlalchemy.String(length=200)),
        sqlalchemy.Column("latitude", sqlalchemy.Float()),
        sqlalchemy.Column("longitude", sqlalchemy.Float()),
        sqlalchemy.Column("time_zone", sqlalchemy.String(length=64), nullable=False),
        sqlalchemy.Column("note", sqlalchemy.Text()),
        sqlalchemy.Column("description", sqlalchemy.Text()),
        sqlalchemy.Column("created_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("changed_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("site_id", name="pk_sites"),
        sqlalchemy.UniqueConstraint("name", name="uq_sites_name"),
    )


def _plates() -> None:
    op.create_table(
        "plates",
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("connector", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("type", sqlalchemy.String(length=40), nullable=False),
        sqlalchemy.Column("name", sqlalchemy.String(length=100)),
        sqlalchemy.Column("power_w", sqlalchemy.Integer()),
        sqlalchemy.Column("voltage_v", sqlalchemy.Integer()),
        sqlalchemy.Column("current_a", sqlalchemy.Float()),
        sqlalchemy.Column("phases", sqlalchemy.Integer()),
        sqlalchemy.Column("changed_at_ms", sqlalchemy.BigInteger(), nullable=False),
        _of_station("plates"),
        sqlalchemy.PrimaryKeyConstraint("station_id", "connector", name="pk_plates"),
    )


def _doors() -> None:
    op.create_table(
        "station_keys",
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("number", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("salt", sqlalchemy.String(length=32), nullable=False),
        sqlalchemy.Column("digest", sqlalchemy.String(length=64), nullable=False),
        sqlalchemy.Column("made_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("message_id", sqlalchemy.String(length=36)),
        _of_station("station_keys"),
        sqlalchemy.PrimaryKeyConstraint("station_id", "number", name="pk_station_keys"),
    )
    op.create_table(
        "inbox",
        sqlalchemy.Column("identity", sqlalchemy.String(length=48), nullable=False),
        sqlalchemy.Column("address", sqlalchemy.String(length=64), nullable=False),
        sqlalchemy.Column("knocks", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("first_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("last_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("vendor", sqlalchemy.String(length=50)),
        sqlalchemy.Column("model", sqlalchemy.String(length=50)),
        sqlalchemy.Column("serial", sqlalchemy.String(length=50)),
        sqlalchemy.Column("firmware", sqlalchemy.String(length=50)),
        sqlalchemy.PrimaryKeyConstraint("identity", name="pk_inbox"),
    )
    op.create_index("ix_inbox_last_at_ms", "inbox", ["last_at_ms"])


def _states() -> None:
    op.create_table(
        "availabilities",
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("connector", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("type", sqlalchemy.String(length=12), nullable=False),
        sqlalchemy.Column("at_ms", sqlalchemy.BigInteger(), nullable=False),
        _of_station("availabilities"),
        sqlalchemy.PrimaryKeyConstraint("station_id", "connector", name="pk_availabilities"),
    )
    op.create_table(
        "derivations",
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("line", sqlalchemy.String(length=12), nullable=False),
        sqlalchemy.Column("state", sqlalchemy.String(length=12), nullable=False),
        sqlalchemy.Column("since_ms", sqlalchemy.BigInteger(), nullable=False),
        _of_station("derivations"),
        sqlalchemy.PrimaryKeyConstraint("station_id", name="pk_derivations"),
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        sqlalchemy.Column("alert_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("station_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("connector", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("kind", sqlalchemy.String(length=40), nullable=False),
        sqlalchemy.Column("details_json", sqlalchemy.Text(), nullable=False),
        sqlalchemy.Column("opened_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("closed_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("acknowledged_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("acknowledged_by", sqlalchemy.String(length=100)),
        _of_station("alerts"),
        sqlalchemy.PrimaryKeyConstraint("alert_id", name="pk_alerts"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["station_id", "connector", "kind"],
        unique=True,
        sqlite_where=sqlalchemy.text("closed_at_ms IS NULL"),
    )


def _of_station(table: str) -> sqlalchemy.ForeignKeyConstraint:
    return sqlalchemy.ForeignKeyConstraint(
        ["station_id"], ["stations.station_id"], name=f"fk_{table}_station_id"
    )

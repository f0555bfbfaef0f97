"""Cards that were there before cards had groups, owners and limits."""

from __future__ import annotations

import sqlite3

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from csms_lite.people.rules import Card
from csms_lite.people.service import find_card
from csms_lite.store.migrate import MIGRATIONS


def test_cards_of_before_are_good_everywhere_and_in_their_group() -> None:
    """No card is lost, limited or blocked by the new columns; a group finds its cards."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    with engine.connect().execution_options(raw=raw) as db:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = db
        command.upgrade(config, "0001")
        raw.execute("INSERT INTO cards VALUES ('A', 'a', 'Accepted', 'Family', NULL, 1)")
        command.upgrade(config, "head")
        assert find_card(db, "A") == Card(
            tag="a", status="Accepted", parent="Family", expires_at_ms=None
        )
        assert raw.execute("SELECT parent_key FROM cards").fetchall() == [("FAMILY",)]
    engine.dispose()

"""Verbs and queries on cards."""

from __future__ import annotations

from sqlalchemy import Connection

from csms_lite.errors import NotFound
from csms_lite.people import sql
from csms_lite.people.rules import Card, masked, tag_key


def find_card(db: Connection, tag: str) -> Card | None:
    """Find the card that *tag* means, whatever its case."""
    row = sql.find.one(db, tag_key=tag_key(tag))
    return None if row is None else Card._make(row)


def card(db: Connection, tag: str) -> Card:
    """Give a card; raises `NotFound`."""
    found = find_card(db, tag)
    if found is None:
        raise NotFound(f"there is no card {masked(tag)}: add it with PUT /api/cards/TAG")
    return found


def list_cards(db: Connection, after: str, count: int) -> list[Card]:
    """Give up to *count* cards in order, those after the tag *after*."""
    return [Card._make(row) for row in sql.every.rows(db, after=tag_key(after), count=count)]


def put_card(db: Connection, card: Card, now_ms: int) -> Card:
    """Add a card, or change it; the last of two writers wins whole."""
    sql.put.run(db, tag_key=tag_key(card.tag), changed_at_ms=now_ms, **card._asdict())
    return card


def remove_card(db: Connection, tag: str) -> None:
    """Forget a card; its sessions stay. Raises `NotFound`."""
    if sql.remove.run(db, key=tag_key(tag)) == 0:
        raise NotFound(f"there is no card {masked(tag)}: nothing to remove")

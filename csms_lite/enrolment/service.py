"""Verbs and queries on unknown tags and enrolment windows."""

from __future__ import annotations

from sqlalchemy import Connection

from csms_lite.enrolment import sql
from csms_lite.enrolment.rules import MOST_UNKNOWN, Enrolment, UnknownTag, state_of
from csms_lite.errors import NotFound, Refused, Unacceptable
from csms_lite.people.rules import Card, check_card, is_tag, tag_key
from csms_lite.people.service import NAME_LENGTH, check_owner, find_card, put_card
from csms_lite.stations.service import station
from edge.hmi.tags import masked

ANY_TAG = "0"  # stands for the tag to come while the rest of its card is checked


def authorized(db: Connection, station_id: int, tag: str, now_ms: int) -> None:
    """See a tag that a station asks about: an unknown one enrols, if a window waits, or is noted.

    A tag that is no printable ASCII cannot be a card, and is noted only.
    """
    if find_card(db, tag) is not None:
        return
    window = _open_window(db, station_id, now_ms)
    if window is None or not is_tag(tag):
        _note(db, station_id, tag, None, now_ms)
        return
    try:
        put_card(db, _card(window, tag), now_ms, who=f"{window.who}, by a tap")
    except Unacceptable:  # its owner was deleted meanwhile: no reason to leave the charger waiting
        sql.end.run(db, of_enrolment=window.enrolment_id, new_state="cancelled", new_tag=None)
        _note(db, station_id, tag, None, now_ms)
        return
    sql.forget.run(db, key=tag_key(tag))
    sql.end.run(db, of_enrolment=window.enrolment_id, new_state="done", new_tag=tag)


def started(db: Connection, station_id: int, tag: str, connector: int, now_ms: int) -> None:
    """See a tag with which a transaction began: an unknown one is noted."""
    if find_card(db, tag) is None:
        _note(db, station_id, tag, connector, now_ms)


def list_unknown(db: Connection, count: int) -> list[UnknownTag]:
    """Give the unknown tags that were presented last, newest first."""
    return [UnknownTag._make(row) for row in sql.newest.rows(db, count=count)]


def accept(db: Connection, card: Card, now_ms: int, *, who: str) -> Card:
    """Make an unknown tag a card; raises `NotFound`, `Unacceptable`, and what `put_card` does."""
    found = _unknown(db, card.tag)
    sql.forget.run(db, key=tag_key(card.tag))
    return put_card(db, card._replace(tag=found.tag), now_ms, who=who)


def dismiss(db: Connection, tag: str) -> None:
    """Forget an unknown tag until it is presented again; raises `NotFound`."""
    _unknown(db, tag)
    sql.forget.run(db, key=tag_key(tag))


def open_window(
    db: Connection, charger: str, card: Card, *, until_ms: int, now_ms: int, who: str
) -> Enrolment:
    """Let the next unknown tag at a charger become *card*, whatever its tag.

    Raises `NotFound`, `Unacceptable` for a card that cannot be, and `Refused` while a window is
    open there: a tap could not say which one it means.
    """
    check_card(card._replace(tag=ANY_TAG))
    check_owner(db, card.user_id)
    station_id = station(db, charger).station_id
    if _open_window(db, station_id, now_ms) is not None:
        raise Refused(f"an enrolment is open at {charger} already: cancel it or wait for its end")
    sql.open_window.run(
        db,
        station_id=station_id,
        opened_at_ms=now_ms,
        until_ms=until_ms,
        who=who[:NAME_LENGTH],
        kind=card.kind,
        label=card.label,
        user_id=card.user_id,
        parent=card.parent,
        expires_at_ms=card.expires_at_ms,
    )
    return window(db, charger)


def window(db: Connection, charger: str) -> Enrolment:
    """Give the last window of a charger, however it ended; raises `NotFound`."""
    row = sql.last.one(db, of_station=station(db, charger).station_id)
    if row is None:
        raise NotFound(f"nobody enrolled a card at {charger} yet")
    return Enrolment._make(row)


def cancel(db: Connection, charger: str, now_ms: int) -> None:
    """Close the window that is open at a charger; raises `NotFound` when none is."""
    found = _open_window(db, station(db, charger).station_id, now_ms)
    if found is None:
        raise NotFound(f"no enrolment is open at {charger}: there is nothing to cancel")
    sql.end.run(db, of_enrolment=found.enrolment_id, new_state="cancelled", new_tag=None)


def _open_window(db: Connection, station_id: int, now_ms: int) -> Enrolment | None:
    row = sql.last.one(db, of_station=station_id)
    found = None if row is None else Enrolment._make(row)
    return found if found is not None and state_of(found, now_ms) == "open" else None


def _card(window: Enrolment, tag: str) -> Card:
    return Card(
        tag=tag,
        status="Accepted",
        parent=window.parent,
        expires_at_ms=window.expires_at_ms,
        kind=window.kind,
        label=window.label,
        user_id=window.user_id,
    )


def _note(db: Connection, station_id: int, tag: str, connector: int | None, now_ms: int) -> None:
    told = {
        "key": tag_key(tag),
        "tag": tag,
        "station_id": station_id,
        "connector": connector,
        "at_ms": now_ms,
    }
    if sql.again.run(db, **told) == 0:
        sql.add.run(db, **told)
        sql.forget_old.run(db, kept=MOST_UNKNOWN)


def _unknown(db: Connection, tag: str) -> UnknownTag:
    row = sql.find.one(db, key=tag_key(tag))
    if row is None:
        raise NotFound(f"no unknown tag {masked(tag)} was presented: see GET /api/unknown-cards")
    return UnknownTag._make(row)

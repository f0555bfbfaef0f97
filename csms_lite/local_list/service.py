"""Verbs and queries on local lists; `csms_lite.local_list.follower` calls them in turn."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from csms_lite.commands import service as commands
from csms_lite.jsontext import dumps, loads
from csms_lite.local_list import sql
from csms_lite.local_list.rules import (
    SEND,
    UNDER_WAY,
    Command,
    Entries,
    LocalList,
    Payload,
    Step,
    booted,
    entry,
    follows,
    in_step,
    meddled,
    next_step,
    settled,
    switched,
)
from csms_lite.people.service import became_valid, newest_change
from csms_lite.stations.service import station, station_by_id


class Plan(NamedTuple):
    """What was found of a list, and what is to be done; carried out only if it still holds."""

    known: LocalList
    is_over: bool
    """A command of ours or of somebody else has ended and was not looked at."""
    step: Step


class View(NamedTuple):
    """How a charger's list stands, for people."""

    known: LocalList
    step: Step
    entries: int
    allowed: int


class News(NamedTuple):
    """What changed that concerns lists."""

    newest_change: tuple[int, int]
    """Of a card, and of an account that may own some."""
    became_valid: bool
    due: frozenset[int]


def plan(db: Connection, station_id: int, now_ms: int, *, by_setting: bool) -> Plan:
    """See what a charger's list needs next; a query, for it may read thousands of cards."""
    known = _find(db, station_id)
    ours, other = _under_way(db, station_id, known)
    if _is_over(ours) or _is_over(other):
        return Plan(known, True, Step(state="under_way"))
    if ours is not None or other is not None:
        return Plan(known, False, Step(state="under_way"))
    wanted: Entries = {}
    taken: Entries = {}
    if follows(known, by_setting=by_setting) and known.unsupported is None:
        wanted, taken = _wanted(db, station_id, known, now_ms), _taken(db, station_id)
    return Plan(known, False, next_step(known, wanted, taken, now_ms, by_setting=by_setting))


def settle(db: Connection, station_id: int, now_ms: int) -> None:
    """Learn from commands that have ended what is on the charger."""
    known = _find(db, station_id)
    ours, other = _under_way(db, station_id, known)
    if ours is not None and _is_over(ours):
        lost = None if known.lost_command_id is None else _command(db, known.lost_command_id)
        taken = _taken(db, station_id)
        known, after = settled(known, ours, lost, taken, now_ms)
        _keep_entries(db, station_id, taken, after)
    if other is not None and _is_over(other):
        known = meddled(known, other)
    _keep(db, station_id, known)


def carry_out(
    db: Connection, station_id: int, found: Plan, *, message_id: str, now_ms: int
) -> bool:
    """Ask what the plan says, unless something has changed since; says whether it was asked."""
    known, step = _find(db, station_id), found.step
    if known != found.known or _under_way(db, station_id, known) != (None, None):
        return False
    if step.action is None:
        if step.state == "in_step":
            _keep(db, station_id, in_step(known, now_ms))
        return False
    asked = commands.ask(
        db,
        station_by_id(db, station_id).identity,
        step.action,
        step.payload or {},
        message_id=message_id,
        now_ms=now_ms,
    )
    known = known._replace(
        command_id=asked.command_id, asked_in_doubt=known.doubts, retry_at_ms=None
    )
    if step.action == SEND and step.payload is not None:
        known = known._replace(
            highest=int(step.payload["listVersion"]),
            seen_command_id=asked.command_id,
            in_step_at_ms=None,
        )
    _keep(db, station_id, known)
    return True


def doubt(db: Connection, station_id: int) -> None:
    """Doubt the list of a station that boots: it may have come back with an older one."""
    _keep(db, station_id, booted(_find(db, station_id)))


def switch(db: Connection, charger: str, wish: str | None) -> int:
    """Keep whether a charger's list is to follow; gives the station. Raises `NotFound`."""
    station_id = station(db, charger).station_id
    _keep(db, station_id, switched(_find(db, station_id), wish))
    return station_id


def view(db: Connection, charger: str, now_ms: int, *, by_setting: bool) -> View:
    """Show how a charger's list stands; raises `NotFound`."""
    station_id = station(db, charger).station_id
    found = plan(db, station_id, now_ms, by_setting=by_setting)
    known = found.known
    if found.step.state == "in_step" and known.is_late:  # true already, if not yet kept
        known = in_step(known, now_ms)
    allowed = sql.count_wanted.one(db, station_id=station_id, now_ms=now_ms)
    return View(
        known,
        found.step,
        entries=len(_taken(db, station_id)),
        allowed=0 if allowed is None else int(allowed[0]),
    )


def news(db: Connection, after_ms: int, now_ms: int) -> News:
    """Give what tells that lists need a look: changed cards, opened windows, waits that ended."""
    return News(
        (newest_change(db), _accounts_changed(db)),
        became_valid(db, after_ms, now_ms),
        frozenset(int(row[0]) for row in sql.due.rows(db, now_ms=now_ms)),
    )


def _accounts_changed(db: Connection) -> int:
    row = sql.accounts_changed.one(db)
    return 0 if row is None else int(row[0])


def stations_of(db: Connection, command_ids: frozenset[int]) -> frozenset[int]:
    """Give the stations of those commands that concern lists."""
    found = (sql.station_of.one(db, command_id=one) for one in command_ids)
    return frozenset(int(row[0]) for row in found if row is not None)


def can_take(db: Connection, station_id: int) -> bool:
    """Say whether a station may be sent anything: it was accepted and has booted once."""
    known = station_by_id(db, station_id)
    return known.registration == "Accepted" and known.booted_at_ms is not None


def _find(db: Connection, station_id: int) -> LocalList:
    row = sql.find.one(db, station_id=station_id)
    return LocalList() if row is None else LocalList._make(row)


def _keep(db: Connection, station_id: int, known: LocalList) -> None:
    sql.keep.run(db, station_id=station_id, **known._asdict())


def _under_way(
    db: Connection, station_id: int, known: LocalList
) -> tuple[Command | None, Command | None]:
    """Give our command that was not looked at yet, and the first such one of somebody else."""
    ours = None if known.command_id is None else _command(db, known.command_id)
    row = sql.of_others.one(db, station_id=station_id, seen=known.seen_command_id)
    return ours, None if row is None else _read(row)


def _is_over(one: Command | None) -> bool:
    return one is not None and one.state not in UNDER_WAY


def _command(db: Connection, command_id: int) -> Command | None:
    row = sql.command.one(db, command_id=command_id)
    return None if row is None else _read(row)


def _read(row: tuple[object, ...]) -> Command:
    command_id, action, payload, state, result, problem = row
    told = None if result is None else loads(str(result))
    return Command(
        int(str(command_id)),
        str(action),
        loads(str(payload)),
        str(state),
        told if told is None or isinstance(told, dict) else {},  # an answer may break its schema
        None if problem is None else str(problem),
    )


def _wanted(db: Connection, station_id: int, known: LocalList, now_ms: int) -> dict[str, Payload]:
    rows = sql.wanted.rows(db, station_id=station_id, now_ms=now_ms, count=known.most)
    return {
        key: entry(tag, status, parent, expires_at_ms)
        for key, tag, status, parent, expires_at_ms in rows
    }


def _taken(db: Connection, station_id: int) -> dict[str, Payload]:
    return {key: loads(text) for key, text in sql.entries_of.rows(db, station_id=station_id)}


def _keep_entries(db: Connection, station_id: int, before: Entries, after: Entries) -> None:
    for key in before:
        if key not in after:
            sql.drop.run(db, of_station=station_id, of_tag=key)
    for key, one in after.items():
        if before.get(key) != one:
            sql.take.run(db, station_id=station_id, tag_key=key, entry_json=dumps(one))

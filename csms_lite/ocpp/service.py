"""The verbs behind every frame: a repeat gets its first answer, the rest is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection

from csms_lite.errors import CsmsError, VerbFailed
from csms_lite.jsontext import digest, dumps, loads
from csms_lite.ocpp import sql
from csms_lite.ocpp.routes import Route, TogetherRoute
from csms_lite.ocpp.verbs import Answer, Origin
from csms_lite.stations import service as stations
from edge.ocppj.repeats import TRANSACTION_ACTIONS
from edge.ocppj.schemas import accepts_answer

KEPT_MS: Final = 90 * 86_400_000  # a station offline for longer has other troubles
FORGET_AT_ONCE: Final = 500  # keeps the verb within its budget

_EMPTY: Final = "{}"


def handle(db: Connection, origin: Origin, action: str, route: Route[Any]) -> Answer:
    """Handle one message of a station and give its answer.

    A transaction message that was answered before, on this or any other connection, gets the
    same answer and changes nothing. The same id with another content is another message: some
    stations count from 1 after each boot, and their sessions must not be lost. It is noted.
    """
    if action not in TRANSACTION_ACTIONS:
        return _run(db, origin, action, route)
    name = digest((action, origin.payload))
    known = sql.find.rows(db, station_id=origin.station_id, message_id=origin.message_id)
    for known_name, answer_json in known:
        if known_name == name:
            answer: Answer = loads(answer_json)
            return answer
    if known:
        stations.note(
            db,
            origin.station_id,
            "message_id_reused",
            {"message_id": origin.message_id, "action": action},
            now_ms=origin.now_ms,
        )
    answer = _run(db, origin, action, route)
    sql.keep.run(
        db,
        station_id=origin.station_id,
        message_id=origin.message_id,
        digest=name,
        connection=origin.connection,
        at_ms=origin.now_ms,
        answer_json=dumps(answer) if answer else _EMPTY,
    )
    return answer


def forget_answers(db: Connection, now_ms: int) -> int:
    """Drop some answers too old to be asked for again; run until it gives 0."""
    return sql.forget.run(db, before_ms=now_ms - KEPT_MS, count=FORGET_AT_ONCE)


def handle_together(
    db: Connection, origins: Sequence[Origin], action: str, route: TogetherRoute[Any]
) -> Sequence[Answer]:
    """Handle messages of one action from some stations and give their answers in their order."""
    with _no_refusals(action):
        told = [route.read(origin.payload, origin.now_ms) for origin in origins]
        answers = route.all(db, origins, told)
    for answer in answers:
        assert accepts_answer(action, answer), f"no lawful answer to {action}"
    return answers


def _run(db: Connection, origin: Origin, action: str, route: Route[Any]) -> Answer:
    """Read, store and answer; an answer that may not be sent undoes the rest, as any bug does."""
    with _no_refusals(action):
        told = route.read(origin.payload, origin.now_ms)
        answer = route.first(db, origin, told)
        for verb in route.then:
            verb(db, origin, told)
    assert accepts_answer(action, answer), f"no lawful answer to {action}"
    return answer


@contextmanager
def _no_refusals(action: str) -> Iterator[None]:
    """Make a refusal a bug as any: it is for people, and a charger cannot do anything about it."""
    try:
        yield
    except CsmsError as refusal:
        raise VerbFailed(f"{action} failed: {refusal!r}") from refusal

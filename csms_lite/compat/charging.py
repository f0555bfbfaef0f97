"""A driver's start and stop for older systems, which await one answer: did it begin or not."""

from __future__ import annotations

from typing import Final

from csms_lite.charging import service
from csms_lite.charging.api import Counter
from csms_lite.charging.service import Done
from csms_lite.commands.rules import ANSWERED
from csms_lite.errors import Refused
from csms_lite.gate import Principal, Role
from csms_lite.jsontext import loads
from csms_lite.sessions.rules import Session, State, Wish
from csms_lite.sessions.service import session

ANSWERED_WITHIN_S: Final = 15.0  # what a caller that knows no "accepted, wait" still bears
NEVER_BEGAN: Final = frozenset({State.REJECTED, State.FAILED})


async def begin(
    counter: Counter,
    who: Principal,
    station_id: int,
    *,
    connector: int | None = None,
    tag: str | None = None,
    reference: str | None = None,
) -> Session:
    """Start charging and wait for the charger's word; raises `Refused` with why it is not so."""
    asked = Wish(
        station_id=station_id,
        connector=connector or 0,
        id_tag=await counter.store.do(counter.tag_of, who, tag),
        user_id=who.user_id,
        reference=reference,
    )
    done = await counter.store.do(service.start, asked, connector, counter.door(station_id))
    begun = await _followed(counter, done)
    if begun.state in NEVER_BEGAN:
        raise Refused(begun.problem or "the charger did not begin: try again at the charger")
    return begun


async def end(counter: Counter, who: Principal, known: Session) -> Session:
    """End a session of *who*, or for operators anybody's, and wait for the charger's word."""
    done = await counter.store.do(
        service.stop,
        known.transaction_id,
        counter.door(known.station_id),
        user_id=who.user_id,
        is_anybodys=who.may(Role.OPERATOR),
    )
    return await _followed(counter, done)


async def _followed(counter: Counter, done: Done) -> Session:
    counter.hand_on(done)
    if done.command is None:
        return done.session
    command = await counter.end_of(done.command, ANSWERED_WITHIN_S)
    known = await counter.store.read(session, done.session.transaction_id)
    if known.state != done.session.state and known.state not in NEVER_BEGAN:
        return known  # it came about, though the command did not: the card may have been quicker
    if command.state not in ANSWERED:
        raise Refused(command.problem or "the charger has not answered yet: look again in a minute")
    if loads(command.result_json or "{}").get("status") != "Accepted":
        raise Refused("the charger refused: look at its display")
    return known

"""Machine `cards`: the roles that the owner gives to cards, and the installer's set-up window.

A role says less than the standard, never more: what the central system or its list has refused
stays refused for an owner's card, and every session tells the idTag that began it. Who may start
without a question is asked by `authorisation`, whom an admin's card stops by `routing`.

The window opens by the installer's card and ends by it, after ten minutes, or with the process.
While a station knows an installer's card, roles change only in the window; but a lost card is
blocked at any time. Source: issue 5, 8; complaints 19, 36; OCPP 1.6 3.5.4, 4.10.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from edge.core.bay import Phase
from edge.core.card_roles import CardAsked, CardForgotten, CardKept, Cards, Learning, Role
from edge.core.draft import Draft
from edge.core.events import TagPresented
from edge.core.facts import Cancelled, ClearAsked, MustStop, SecurityNoticed
from edge.core.messages import IdTagInfo
from edge.core.records import Latch
from edge.core.state import ChargePoint, accepts, tag_key
from edge.core.tags import masked
from edge.core.vocabulary import SecurityEvent, StopReason

WINDOW_S: Final = 600.0  # time for a phone in one hand and a pile of cards
LEARN_WITHIN_S: Final = 60.0  # a card that nobody holds out by then is not the one meant
MOST_CARDS: Final = 512  # kept here: as many as the cache, 50 kB in the journal


def _put(draft: Draft, **changes: Any) -> None:
    draft.put_station(cards=replace(draft.station.cards, **changes))


# ── what a card is ───────────────────────────────────────────────────────────────────────────────


def role(state: ChargePoint, id_tag: str) -> Role | None:
    """What *id_tag* is; what was said at the machine counts, but whoever blocks a card wins."""
    key = tag_key(id_tag)
    given, kept = state.setup.card_roles.get(key), state.station.cards.given.get(key)
    return Role.BLOCKED if given is Role.BLOCKED else kept or given


def is_blocked(state: ChargePoint, id_tag: str) -> bool:
    """Whether this card is lost."""
    return role(state, id_tag) is Role.BLOCKED


def bars(state: ChargePoint, id_tag: str) -> bool:
    """Whether no session starts on this card, or runs on it."""
    return role(state, id_tag) in (Role.BLOCKED, Role.INSTALLER)


def stops_any(state: ChargePoint, id_tag: str) -> bool:
    """Whether this card ends anybody's session."""
    return role(state, id_tag) is Role.ADMIN


def vouches(draft: Draft, id_tag: str, info: IdTagInfo | None) -> bool:
    """Whether a tap of this card is enough, as *info*, all that is known, does not forbid it."""
    is_owner = role(draft.state, id_tag) is Role.OWNER
    return is_owner and (info is None or accepts(info, draft.at.wall))


# ── a card at a reader ───────────────────────────────────────────────────────────────────────────


def take(draft: Draft, event: TagPresented, among: tuple[int, ...]) -> bool:
    """Whether this tap at a reader of *among* is about the station itself, and done with."""
    found = role(draft.state, event.id_tag)
    if found is Role.INSTALLER:
        _turn(draft, event.id_tag)
        return True
    learning = draft.station.cards.learning
    if learning is not None and learning.id_tag is None:
        _put(draft, learning=replace(learning, id_tag=event.id_tag))
        _keep(draft, event.id_tag, learning.role)
        return True
    return found is Role.ADMIN and _clear(draft, among)


def _turn(draft: Draft, id_tag: str) -> None:
    """Open the window, or close it; a card that lies there a little longer does not do both."""
    opened_at = draft.station.cards.opened_at
    if opened_at is None:
        _put(draft, opened_at=draft.now, learning=None)
        _notice(draft, f"set-up window opened by card {masked(id_tag)}")
    elif draft.now - opened_at >= draft.policy.start_stop_dead_time_s:
        _close(draft)


def _close(draft: Draft) -> None:
    _put(draft, opened_at=None, learning=None)
    _notice(draft, "set-up window closed")


def _clear(draft: Draft, among: tuple[int, ...]) -> bool:
    """Have what is latched at *among* tried again; a session that runs there comes first."""
    bays = {number: draft.bay(number) for number in among}
    if any(bay.connector.phase is Phase.CHARGING for bay in bays.values()):
        return False
    latched = [
        number for number, bay in bays.items() if bay.seen.tripped or Latch.RCD in bay.latches
    ]
    draft.tell(*(ClearAsked(connector=number) for number in latched))
    return bool(latched)


def _notice(draft: Draft, info: str) -> None:
    event = SecurityEvent.RECONFIGURATION_OF_SECURITY_PARAMETERS
    draft.tell(SecurityNoticed(event=event, info=info))


# ── what somebody asks ───────────────────────────────────────────────────────────────────────────


def objection(state: ChargePoint, asked: CardAsked) -> str | None:
    """Why *asked* is not done, in one sentence; `None`: it is."""
    is_open = state.station.cards.opened_at is not None
    if asked.id_tag is None and not is_open:
        return "a card is learnt in the set-up window only: lay the installer's card on the reader"
    if asked.role is not Role.BLOCKED and not is_open and _has_installer(state):
        return "roles change in the set-up window only: lay the installer's card on the reader"
    key = tag_key(asked.id_tag or "")
    given, kept = state.setup.card_roles.get(key), state.station.cards.given
    if asked.role is None and key not in kept:
        where = "nobody gave it any" if given is None else "it stands in the configuration"
        return f"this machine has no role of the card to take away: {where}"
    if asked.role not in (None, Role.BLOCKED) and given is Role.BLOCKED:
        return "the configuration blocks this card: take it out of [cards] first"
    if asked.role is not None and key not in kept and len(kept) >= MOST_CARDS:
        return f"{MOST_CARDS} cards have roles here already: take one away first"
    return None


def _has_installer(state: ChargePoint) -> bool:
    known = (*state.setup.card_roles, *state.station.cards.given)
    return any(role(state, id_tag) is Role.INSTALLER for id_tag in known)


def on_asked(draft: Draft, event: CardAsked) -> None:
    """Give a role or take it away, now or at the next tap, unless there is an objection."""
    if objection(draft.state, event) is not None:
        return
    if event.id_tag is None:
        assert event.role is not None, "who learns a card says what it becomes"
        until = draft.now + LEARN_WITHIN_S
        _put(draft, learning=Learning(role=event.role, until=until))
    elif event.role is None:
        _forget(draft, event.id_tag)
    else:
        _keep(draft, event.id_tag, event.role)


def _keep(draft: Draft, id_tag: str, given: Role) -> None:
    key = tag_key(id_tag)
    if draft.station.cards.given.get(key) is given:
        return
    _put(draft, given={**draft.station.cards.given, key: given})
    draft.write(CardKept(id_tag=key, role=given))
    _notice(draft, f"card {masked(id_tag)}: {given}")


def _forget(draft: Draft, id_tag: str) -> None:
    key = tag_key(id_tag)
    kept = {tag: one for tag, one in draft.station.cards.given.items() if tag != key}
    _put(draft, given=kept)
    draft.write(CardForgotten(id_tag=key))
    _notice(draft, f"card {masked(id_tag)}: no role any more")


# ── time, and sessions ───────────────────────────────────────────────────────────────────────────


def on_tick(draft: Draft) -> None:
    """The window closes by itself; who waits for a card waits no longer."""
    found = draft.station.cards
    if found.opened_at is not None and draft.now >= found.opened_at + WINDOW_S:
        _close(draft)
    elif found.learning is not None and draft.now >= found.learning.until:
        _put(draft, learning=None)


def deadlines(found: Cards) -> Iterator[float]:
    """When `on_tick` has something to do."""
    if found.opened_at is not None:
        yield found.opened_at + WINDOW_S
    if found.learning is not None:
        yield found.learning.until


def settle(draft: Draft) -> None:
    """Nobody charges, or is about to, on a card that was blocked meanwhile.

    Its session ends for no reason of OCPP's own, and gives the cable back: who lost his card must
    not lose his cable too.
    """
    for connector in draft.state.connectors:
        bay = draft.bay(connector)
        permit, transaction = bay.connector.permit, bay.transaction
        if permit is not None and bars(draft.state, permit.id_tag):
            draft.tell(Cancelled(connector=connector))
        if bay.connector.phase is not Phase.CHARGING or transaction is None:
            continue
        if bars(draft.state, transaction.id_tag):
            draft.tell(MustStop(connector=connector, reason=StopReason.OTHER))

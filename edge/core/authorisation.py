"""Machine `authorisation`: may this tag start or stop here, asked where it is known soonest.

A known good tag starts at once with LocalPreAuthorize; otherwise the central system is asked, for
at most five seconds from the tap; then, and offline, what we know decides (ruling 5).
Source: OCPP 1.6 3.5, 4.1, 9.1.12-13, 9.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, assert_never

from edge.core import cards, holds, keys, levels, local_list, routing
from edge.core.bay import Permit, Phase
from edge.core.draft import Draft
from edge.core.events import Settled, TagPresented
from edge.core.facts import (
    Cancelled,
    Granted,
    MustStop,
    PluggedIn,
    StartAsked,
    TagLearnt,
    TagRefused,
)
from edge.core.messages import Authorize, AuthorizeConf, IdTagInfo
from edge.core.state import Authorisation, ChargePoint, Floating, accepts, same_group, tag_key
from edge.core.vocabulary import StopReason
from edge.core.waiting import ToLearn, ToStart, ToStop


def _put(draft: Draft, **changes: Any) -> None:
    authorisation = replace(draft.station.authorisation, **changes)
    draft.put_station(authorisation=authorisation)


# ── a card at a reader ───────────────────────────────────────────────────────────────────────────


def on_tag(draft: Draft, event: TagPresented) -> None:
    """Find out what the card means, then whether it may."""
    among = routing.served(draft.state, event)
    if cards.is_blocked(draft.state, event.id_tag):
        _refuse(draft, among)
        return
    if cards.take(draft, event, among):
        return
    if draft.station.authorisation.asking:
        return  # the reader is busy with the card before: it says so by its lamp
    info = known(draft.state, event.id_tag)
    parent = None if info is None else info.parent_id_tag
    meaning = routing.meaning(draft.state, event.id_tag, parent, among, draft.now)
    match meaning:
        case routing.Stop(ask=False):
            _stop(draft, meaning.connector, event.id_tag)
        case routing.Stop():
            _ask_to_stop(draft, meaning.connector, event.id_tag)
        case routing.GiveBack():
            _give_back(draft, meaning.connector, event.id_tag)
        case routing.Begin():
            purpose = ToStart(
                id_tag=event.id_tag,
                connector=meaning.connector,
                among=meaning.among,
                served=among,
            )
            _judge(draft, purpose)
        case routing.Refuse(silently=False):
            _refuse(draft, among)
        case routing.Refuse():
            pass  # too soon, or the connector is busy opening or closing: the lamp says wait
        case _:
            assert_never(meaning)


def _stop(draft: Draft, connector: int, id_tag: str) -> None:
    draft.tell(MustStop(connector=connector, reason=StopReason.LOCAL, id_tag=id_tag))


def _give_back(draft: Draft, connector: int | None, id_tag: str) -> None:
    if connector is not None:
        draft.tell(Cancelled(connector=connector))
        return
    rest = tuple(
        one
        for one in draft.station.authorisation.floating
        if tag_key(one.permit.id_tag) != tag_key(id_tag)
    )
    _put(draft, floating=rest)


def _refuse(draft: Draft, among: tuple[int, ...]) -> None:
    draft.tell(TagRefused(connectors=among))


# ── what we know, and asking ─────────────────────────────────────────────────────────────────────


def known(state: ChargePoint, id_tag: str) -> IdTagInfo | None:
    """What we know of *id_tag* without asking: the list before the cache (3.5.3)."""
    listed = local_list.find(state, id_tag)
    if listed is not None or not keys.flag(state, "AuthorizationCacheEnabled"):
        return listed
    entry = state.station.authorisation.cache.get(tag_key(id_tag))
    return None if entry is None else entry.info


def on_start_asked(draft: Draft, fact: StartAsked) -> None:
    """A remote start: AuthorizeRemoteTxRequests decides whether the tag is asked about (5.11).

    One that needs a group's reservation is asked about in any case (5.13).
    """
    purpose = ToStart(
        id_tag=fact.id_tag,
        connector=fact.connector,
        among=fact.among,
        remote=True,
        profile=fact.profile,
    )
    info = known(draft.state, fact.id_tag)
    if keys.flag(draft.state, "AuthorizeRemoteTxRequests"):
        _judge(draft, purpose)
    elif _has_place(draft, purpose, info) or not _can_ask(draft):
        _grant(draft, purpose, info)
    else:
        _ask(draft, purpose)


def _judge(draft: Draft, purpose: ToStart) -> None:
    info = known(draft.state, purpose.id_tag)
    has_place = _has_place(draft, purpose, info)
    sure = _is_trusted(draft, info) and has_place
    vouched = not purpose.remote and cards.vouches(draft, purpose.id_tag, info)
    if vouched and has_place:
        _grant(draft, purpose, info)
    elif not _can_ask(draft):
        _judge_offline(draft, purpose)
    elif sure and keys.flag(draft.state, "LocalPreAuthorize"):
        _grant(draft, purpose, info)
    else:
        _ask(draft, purpose)


def _can_ask(draft: Draft) -> bool:
    """Whether the central system is there; one that lets all questions pile up is as good as away.

    They would fill the line, which drops what it has no room for, transaction messages too.
    """
    return draft.station.registration.online and draft.has_room


def _is_trusted(draft: Draft, info: IdTagInfo | None) -> bool:
    return info is not None and accepts(info, draft.at.wall)


def _is_trusted_offline(draft: Draft, info: IdTagInfo | None) -> bool:
    return keys.flag(draft.state, "LocalAuthorizeOffline") and _is_trusted(draft, info)


def _has_place(draft: Draft, purpose: ToStart, info: IdTagInfo | None) -> bool:
    """Whether no reservation keeps this tag from all the places it could start at."""
    held = levels.kept(draft.state, draft.now)
    parent = None if info is None else info.parent_id_tag
    wanted = purpose.among if purpose.connector is None else (purpose.connector,)
    return any(holds.admits(held, number, purpose.id_tag, parent) for number in wanted)


def _ask(draft: Draft, purpose: ToStart | ToStop) -> None:
    _put(draft, asking=draft.station.authorisation.asking + 1)
    draft.request(purpose, Authorize(id_tag=purpose.id_tag), draft.policy.authorize_within_s)


def _judge_offline(draft: Draft, purpose: ToStart) -> None:
    """What is known decides; a tag known to be bad is never admitted as unknown (3.5.4)."""
    info = known(draft.state, purpose.id_tag)
    if info is None:
        admitted = keys.flag(draft.state, "AllowOfflineTxForUnknownId")
    else:
        admitted = _is_trusted_offline(draft, info)
    if admitted:
        _grant(draft, purpose, info)
    else:
        _refuse(draft, purpose.among)


def _ask_to_stop(draft: Draft, connector: int, id_tag: str) -> None:
    purpose = ToStop(id_tag=id_tag, connector=connector)
    if _can_ask(draft):
        _ask(draft, purpose)
    else:
        _stop_offline(draft, purpose)


def _stop_offline(draft: Draft, purpose: ToStop) -> None:
    """What would not be let in offline stops nobody else's session either (3.5.4, 9.1.12)."""
    info = known(draft.state, purpose.id_tag)
    if info is None or not _is_trusted_offline(draft, info):
        _refuse(draft, (purpose.connector,))
    else:
        _stop_as_group(draft, purpose, info.parent_id_tag)


def _stop_as_group(draft: Draft, purpose: ToStop, parent: str | None) -> None:
    transaction = draft.bay(purpose.connector).transaction
    mine = transaction is not None and same_group(transaction.parent_id_tag, parent)
    if mine:
        _stop(draft, purpose.connector, purpose.id_tag)
    else:
        _refuse(draft, (purpose.connector,))


def on_authorised_stop(draft: Draft, purpose: ToStop, event: Settled | None) -> None:
    """The central system told the group of a second card (TC_069)."""
    info = _heard(draft, purpose.id_tag, event)
    if info is None:
        _stop_offline(draft, purpose)
    else:
        parent = info.parent_id_tag if accepts(info, draft.at.wall) else None
        _stop_as_group(draft, purpose, parent)


def on_authorised_start(draft: Draft, purpose: ToStart, event: Settled | None) -> None:
    """The central system's word; without one, what we know."""
    info = _heard(draft, purpose.id_tag, event)
    if event is None or not isinstance(event.answer, AuthorizeConf):
        _judge_offline(draft, purpose)
    elif info is None or not accepts(info, draft.at.wall):
        _refuse(draft, purpose.among)
    else:
        group = _group_session(draft, purpose, info)
        if group is None:
            _grant(draft, _towards_own(draft, purpose, info), info)
        else:
            _stop(draft, group, purpose.id_tag)


def _towards_own(draft: Draft, purpose: ToStart, info: IdTagInfo) -> ToStart:
    """A tag that turns out to be of the group a connector is reserved for goes there."""
    among = purpose.served or purpose.among
    connector = holds.own(draft.state, purpose.id_tag, info.parent_id_tag, among)
    if connector is None or draft.bay(connector).connector.phase not in _UNUSED:
        return purpose
    return replace(purpose, connector=connector, among=(connector,))


_UNUSED: Final = (Phase.IDLE, Phase.PREPARING)


def on_authorised_late(draft: Draft, purpose: ToLearn, event: Settled) -> None:
    """Too late for who waited, but still the central system's word (ruling 5)."""
    _learn(draft, purpose.id_tag, event)


def _heard(draft: Draft, id_tag: str, event: Settled | None) -> IdTagInfo | None:
    _put(draft, asking=draft.station.authorisation.asking - 1)
    return None if event is None else _learn(draft, id_tag, event)


def _learn(draft: Draft, id_tag: str, event: Settled) -> IdTagInfo | None:
    if not isinstance(event.answer, AuthorizeConf):
        return None
    if event.answer.id_tag_info is None:
        return None
    draft.tell(TagLearnt(id_tag=id_tag, info=event.answer.id_tag_info))
    return event.answer.id_tag_info


def _group_session(draft: Draft, purpose: ToStart, info: IdTagInfo) -> int | None:
    """A card that turns out to belong to a running session's group stops it (ruling 11)."""
    for connector in purpose.served:
        bay = draft.bay(connector)
        if bay.transaction is None or bay.connector.phase is not Phase.CHARGING:
            continue
        if same_group(bay.transaction.parent_id_tag, info.parent_id_tag):
            return connector
    return None


# ── letting in ───────────────────────────────────────────────────────────────────────────────────


def _grant(draft: Draft, purpose: ToStart, info: IdTagInfo | None) -> None:
    permit = Permit(
        id_tag=purpose.id_tag,
        parent_id_tag=None if info is None else info.parent_id_tag,
        until=draft.now + keys.number(draft.state, "ConnectionTimeOut"),
        remote=purpose.remote,
        profile=purpose.profile,
    )
    if not purpose.remote:
        _put(draft, floating=_without_remote(draft, purpose.among))
    wanted = purpose.among if purpose.connector is None else (purpose.connector,)
    among = tuple(number for number in wanted if _admits(draft, number, permit))
    chosen = purpose.connector or _first_plugged(draft, among)
    if not among:
        _refuse(draft, wanted)
    elif chosen is None:
        floating = Floating(permit=permit, among=among)
        _put(draft, floating=(*draft.station.authorisation.floating, floating))
    else:
        draft.tell(Granted(connector=chosen, permit=permit))


def _admits(draft: Draft, connector: int, permit: Permit) -> bool:
    tag, parent = permit.id_tag, permit.parent_id_tag
    free = levels.admits(draft.state, connector, tag, parent, draft.now)
    return free and not cards.bars(draft.state, tag)


def _without_remote(draft: Draft, among: tuple[int, ...]) -> tuple[Floating, ...]:
    """A card at the reader replaces a remote start that waits for the same plug (ruling 24)."""
    return tuple(
        one
        for one in draft.station.authorisation.floating
        if not (one.permit.remote and set(one.among) & set(among))
    )


def _first_plugged(draft: Draft, among: tuple[int, ...]) -> int | None:
    for connector in among:
        bay = draft.bay(connector)
        if bay.connector.phase is Phase.PREPARING and bay.connector.permit is None:
            return connector
    return None


def on_plugged(draft: Draft, fact: PluggedIn) -> None:
    """Whoever waits for a plug gets the first one."""
    for floating in draft.station.authorisation.floating:
        fits = fact.connector in floating.among
        if fits and _admits(draft, fact.connector, floating.permit):
            others = draft.station.authorisation.floating
            _put(draft, floating=tuple(one for one in others if one is not floating))
            draft.tell(Granted(connector=fact.connector, permit=floating.permit))
            return


def on_tick(draft: Draft) -> None:
    """Permits without a plug run out."""
    waiting = draft.station.authorisation.floating
    floating = tuple(one for one in waiting if draft.now < one.permit.until)
    if len(floating) != len(waiting):
        _put(draft, floating=floating)


def deadlines(authorisation: Authorisation) -> tuple[float, ...]:
    """When `on_tick` has something to do."""
    return tuple(one.permit.until for one in authorisation.floating)

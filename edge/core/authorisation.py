"""Machine `authorisation`: may this tag start or stop here, asked where it is known soonest.

A known good tag starts at once with LocalPreAuthorize; otherwise the central system is asked, for
at most five seconds from the tap; then, and offline, what we know decides (ruling 5).
Source: OCPP 1.6 3.5, 4.1, 9.1.12-13, 9.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, assert_never

from edge.core import keys, levels, routing
from edge.core.draft import Draft
from edge.core.events import Settled, TagPresented
from edge.core.facts import Cancelled, Granted, MustStop, PluggedIn, StartAsked, TagLearnt
from edge.core.messages import Authorize, AuthorizeConf, IdTagInfo
from edge.core.records import CacheCleared, TagCached, TagForgotten
from edge.core.state import Authorisation, Floating, Permit, Phase, accepts, tag_key
from edge.core.vocabulary import StopReason
from edge.core.waiting import ToStart, ToStop

CACHE_SIZE: Final = 512  # tags; a car park's regulars, 100 kB in the journal
REFUSED_FOR_S: Final = 3.0  # how long the lamp says no


def _put(draft: Draft, **changes: Any) -> None:
    authorisation = replace(draft.station.authorisation, **changes)
    draft.put_station(authorisation=authorisation)


# ── a card at a reader ───────────────────────────────────────────────────────────────────────────


def on_tag(draft: Draft, event: TagPresented) -> None:
    """Find out what the card means, then whether it may."""
    among = routing.served(draft.state, event)
    if draft.station.authorisation.asking:
        return  # the reader is busy with the card before: it says so by its lamp
    known = _known(draft, event.id_tag)
    parent = None if known is None else known.parent_id_tag
    meaning = routing.meaning(draft.state, event.id_tag, parent, among, draft.now)
    match meaning:
        case routing.Stop(ask=False):
            _stop(draft, meaning.connector, event.id_tag)
        case routing.Stop():
            _ask_to_stop(draft, meaning.connector, event.id_tag, parent)
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
    until = draft.now + REFUSED_FOR_S
    refused = {**draft.station.authorisation.refused_until, **dict.fromkeys(among, until)}
    _put(draft, refused_until=refused)


# ── what we know, and asking ─────────────────────────────────────────────────────────────────────


def _known(draft: Draft, id_tag: str) -> IdTagInfo | None:
    if not keys.flag(draft.state, "AuthorizationCacheEnabled"):
        return None
    entry = draft.station.authorisation.cache.get(tag_key(id_tag))
    return None if entry is None else entry.info


def on_start_asked(draft: Draft, fact: StartAsked) -> None:
    """A remote start: AuthorizeRemoteTxRequests decides whether the tag is asked about (5.11)."""
    purpose = ToStart(
        id_tag=fact.id_tag,
        connector=fact.connector,
        among=fact.among,
        remote=True,
        profile=fact.profile,
    )
    if keys.flag(draft.state, "AuthorizeRemoteTxRequests"):
        _judge(draft, purpose)
    else:
        _grant(draft, purpose, None)


def _judge(draft: Draft, purpose: ToStart) -> None:
    known = _known(draft, purpose.id_tag)
    if not draft.station.registration.online:
        _judge_offline(draft, purpose)
    elif _is_trusted(draft, known) and keys.flag(draft.state, "LocalPreAuthorize"):
        _grant(draft, purpose, known)
    else:
        _ask(draft, purpose)


def _is_trusted(draft: Draft, known: IdTagInfo | None) -> bool:
    return known is not None and accepts(known, draft.at.wall)


def _ask(draft: Draft, purpose: ToStart | ToStop) -> None:
    _put(draft, asking=draft.station.authorisation.asking + 1)
    draft.request(purpose, Authorize(id_tag=purpose.id_tag), draft.policy.authorize_within_s)


def _judge_offline(draft: Draft, purpose: ToStart) -> None:
    """What is known decides; a tag known to be bad is never admitted as unknown (3.5.4)."""
    known = _known(draft, purpose.id_tag)
    if known is None:
        admitted = keys.flag(draft.state, "AllowOfflineTxForUnknownId")
    else:
        admitted = keys.flag(draft.state, "LocalAuthorizeOffline") and _is_trusted(draft, known)
    if admitted:
        _grant(draft, purpose, known)
    else:
        _refuse(draft, purpose.among)


def _ask_to_stop(draft: Draft, connector: int, id_tag: str, parent: str | None) -> None:
    purpose = ToStop(id_tag=id_tag, connector=connector)
    if draft.station.registration.online:
        _ask(draft, purpose)
    else:
        _stop_as_group(draft, purpose, parent)


def _stop_as_group(draft: Draft, purpose: ToStop, parent: str | None) -> None:
    transaction = draft.bay(purpose.connector).transaction
    mine = transaction is not None and routing.same_group(transaction.parent_id_tag, parent)
    if mine:
        _stop(draft, purpose.connector, purpose.id_tag)
    else:
        _refuse(draft, (purpose.connector,))


def on_authorised_stop(draft: Draft, purpose: ToStop, event: Settled | None) -> None:
    """The central system told the group of a second card (TC_069)."""
    known = _heard(draft, purpose.id_tag, event) or _known(draft, purpose.id_tag)
    trusted = known is not None and accepts(known, draft.at.wall)
    parent = known.parent_id_tag if known is not None and trusted else None
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
            _grant(draft, purpose, info)
        else:
            _stop(draft, group, purpose.id_tag)


def _heard(draft: Draft, id_tag: str, event: Settled | None) -> IdTagInfo | None:
    _put(draft, asking=draft.station.authorisation.asking - 1)
    if event is None or not isinstance(event.answer, AuthorizeConf):
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
        if routing.same_group(bay.transaction.parent_id_tag, info.parent_id_tag):
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
    chosen = purpose.connector or _first_plugged(draft, purpose.among)
    if chosen is None:
        floating = Floating(permit=permit, among=purpose.among)
        _put(draft, floating=(*draft.station.authorisation.floating, floating))
    elif levels.may_begin(draft.state, chosen, draft.now):
        draft.tell(Granted(connector=chosen, permit=permit))
    else:
        _refuse(draft, (chosen,))


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
        if fits and levels.may_begin(draft.state, fact.connector, draft.now):
            others = draft.station.authorisation.floating
            _put(draft, floating=tuple(one for one in others if one is not floating))
            draft.tell(Granted(connector=fact.connector, permit=floating.permit))
            return


# ── the cache ────────────────────────────────────────────────────────────────────────────────────


def on_learnt(draft: Draft, fact: TagLearnt) -> None:
    """Remember what the central system said of a tag (3.5.1)."""
    if not keys.flag(draft.state, "AuthorizationCacheEnabled"):
        return
    key = tag_key(fact.id_tag)
    cache = dict(draft.station.authorisation.cache)
    entry = TagCached(id_tag=key, info=fact.info, at=draft.at)
    if key in cache and cache[key].info == fact.info:
        return
    cache.pop(key, None)
    if len(cache) >= CACHE_SIZE:
        eldest = next(iter(cache))
        del cache[eldest]
        draft.write(TagForgotten(id_tag=eldest))
    cache[key] = entry
    draft.write(entry)
    _put(draft, cache=cache)


def clear_cache(draft: Draft) -> None:
    """ClearCache: the cache and nothing else (5.4)."""
    _put(draft, cache={})
    draft.write(CacheCleared())


def on_tick(draft: Draft) -> None:
    """Permits without a plug run out; a refusing lamp goes back."""
    authorisation = draft.station.authorisation
    floating = tuple(one for one in authorisation.floating if draft.now < one.permit.until)
    refused = {
        connector: until
        for connector, until in authorisation.refused_until.items()
        if draft.now < until
    }
    if len(floating) != len(authorisation.floating):
        _put(draft, floating=floating)
    if len(refused) != len(authorisation.refused_until):
        _put(draft, refused_until=refused)


def deadlines(authorisation: Authorisation) -> tuple[float, ...]:
    """When `on_tick` has something to do."""
    permits = tuple(one.permit.until for one in authorisation.floating)
    return (*permits, *authorisation.refused_until.values())

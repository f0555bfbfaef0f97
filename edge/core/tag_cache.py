"""The authorisation cache: what the central system last said of tags that it has not listed.

The part of machine `authorisation` that a restart finds again.
Source: OCPP 1.6 3.5.1, 3.5.3, 5.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from edge.core import keys, local_list
from edge.core.card_roles import ErasureAsked
from edge.core.draft import Draft
from edge.core.facts import TagLearnt
from edge.core.records import CacheCleared, TagCached, TagForgotten
from edge.core.state import accepts, tag_key

CACHE_SIZE: Final = 512  # tags; a car park's regulars, 100 kB in the journal


def on_learnt(draft: Draft, fact: TagLearnt) -> None:
    """Remember what the central system said of a tag (3.5.1)."""
    if not keys.flag(draft.state, "AuthorizationCacheEnabled"):
        return
    if local_list.find(draft.state, fact.id_tag) is not None:
        return  # what is listed is not cached (3.5.3)
    key = tag_key(fact.id_tag)
    cache = dict(draft.station.authorisation.cache)
    entry = TagCached(id_tag=key, info=fact.info, at=draft.at)
    if key in cache and cache[key].info == fact.info:
        return
    cache.pop(key, None)
    if len(cache) >= CACHE_SIZE:
        for leaves in _dispensable(cache, draft):
            del cache[leaves]
            draft.write(TagForgotten(id_tag=leaves))
    cache[key] = entry
    draft.write(entry)
    _put(draft, cache)


def _put(draft: Draft, cache: Mapping[str, TagCached]) -> None:
    draft.put_station(authorisation=replace(draft.station.authorisation, cache=cache))


def _dispensable(cache: Mapping[str, TagCached], draft: Draft) -> tuple[str, ...]:
    """Who makes room: all that are not valid, and only without such the eldest (3.5.1)."""
    bad = tuple(tag for tag, row in cache.items() if not accepts(row.info, draft.at.wall))
    return bad or (next(iter(cache)),)


def clear(draft: Draft) -> None:
    """ClearCache: the cache and nothing else (5.4)."""
    _put(draft, {})
    draft.write(CacheCleared())


def on_erasure_asked(draft: Draft, event: ErasureAsked) -> None:
    """The entries of one card go; it is asked about anew when it comes again."""
    gone = {tag_key(id_tag) for id_tag in event.id_tags}
    before = draft.station.authorisation.cache
    _put(draft, {key: entry for key, entry in before.items() if key not in gone})
    draft.write(*(TagForgotten(id_tag=key) for key in before if key in gone))

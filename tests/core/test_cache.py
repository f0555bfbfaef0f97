"""What is remembered of tags, and what it is worth."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge.core.card_roles import ErasureAsked
from edge.core.commands import ChangeConfiguration, ClearCache
from edge.core.messages import (
    Authorize,
    AuthorizeConf,
    IdTagInfo,
    StartTransaction,
)
from edge.core.records import CacheCleared, TagCached, TagForgotten, TransactionOpened
from edge.core.saved import Saved
from edge.core.tag_cache import CACHE_SIZE
from edge.core.vocabulary import AuthorizationStatus
from edge.core.waiting import ToLearn
from tests.core.bench import ALICE, BAD, BOB, GOOD, NOON, at, setup
from tests.core.build import Rig

PRE = {"LocalPreAuthorize": "true"}
GROUP = IdTagInfo(status=AuthorizationStatus.ACCEPTED, parent_id_tag="FLEET")


def cached(*entries: tuple[str, IdTagInfo]) -> Saved:
    rows = tuple(TagCached(id_tag=tag.lower(), info=info, at=at(0)) for tag, info in entries)
    return Saved(cache=rows)


def expired() -> IdTagInfo:
    return IdTagInfo(status=AuthorizationStatus.ACCEPTED, expiry_date=NOON)


def test_a_cached_tag_starts_without_asking_if_told_so() -> None:
    """TC_007: LocalPreAuthorize."""
    rig = Rig(setup(keys=PRE), saved=cached((ALICE, GOOD)), serve=True).online()
    rig.plug()
    rig.tap(ALICE.lower())
    assert not rig.messages(Authorize)
    assert rig.messages(StartTransaction)


def test_a_cached_tag_is_asked_about_otherwise() -> None:
    """Ruling 5: online and no LocalPreAuthorize."""
    rig = Rig(saved=cached((ALICE, GOOD)), serve=True).online()
    rig.plug()
    rig.tap()
    assert rig.messages(Authorize)


@pytest.mark.parametrize("info", [BAD, expired()])
def test_a_cached_tag_that_is_not_good_any_more_is_asked_about(info: IdTagInfo) -> None:
    """Checklist 2, 3.5.1: expired or not valid asks again."""
    rig = Rig(setup(keys=PRE), saved=cached((ALICE, info)), serve=True).online()
    rig.plug()
    rig.tap()
    assert rig.messages(Authorize)
    assert rig.messages(StartTransaction)


def test_clear_cache_makes_the_tag_unknown() -> None:
    """TC_061."""
    rig = Rig(setup(keys=PRE), saved=cached((ALICE, GOOD)), serve=True).online()
    assert rig.call(ClearCache()).status == "Accepted"
    assert rig.written(CacheCleared)
    rig.plug()
    rig.tap()
    assert rig.messages(Authorize)


def test_without_a_cache_there_is_nothing_to_clear_or_learn() -> None:
    """Ruling 8: ClearCache without a cache is Rejected."""
    rig = Rig(setup(keys={"AuthorizationCacheEnabled": "false"}), serve=True).online()
    assert rig.call(ClearCache()).status == "Rejected"
    rig.plug()
    rig.tap()
    assert not rig.written(TagCached)


def test_an_answer_is_learnt_once_and_again_when_it_changes() -> None:
    """3.5.1: the cache holds the newest word; the same word is not written twice."""
    rig = Rig(serve=True).online()
    rig.plug()
    rig.tap()
    assert [row.info for row in rig.written(TagCached)] == [GOOD]
    rig.wait(20)
    rig.tap()
    rig.tag_info[ALICE] = BAD
    rig.wait(20)
    rig.tap()
    assert [row.info for row in rig.written(TagCached)] == [GOOD, BAD]


def test_the_cache_forgets_its_eldest_when_full() -> None:
    """A named bound."""
    tags = [(f"tag{n:03}", GOOD) for n in range(CACHE_SIZE)]
    rig = Rig(saved=cached(*tags), serve=True).online()
    rig.plug()
    rig.tap()
    assert rig.written(TagForgotten) == [TagForgotten(id_tag="tag000")]
    assert len(rig.state.station.authorisation.cache) == CACHE_SIZE


def test_an_expired_entry_keeps_no_one_out_after_asking() -> None:
    """3.5.1: the new word replaces the old."""
    rig = Rig(saved=cached((ALICE, expired())), serve=True).online()
    rig.tag_info[ALICE] = IdTagInfo(
        status=AuthorizationStatus.ACCEPTED, expiry_date=NOON + timedelta(days=1)
    )
    rig.plug()
    rig.tap()
    assert rig.messages(StartTransaction)


def test_the_cache_can_be_switched_off_while_running() -> None:
    """9.1.2: AuthorizationCacheEnabled=false hides what is cached."""
    rig = Rig(setup(keys=PRE), saved=cached((ALICE, GOOD)), serve=True).online()
    rig.call(ChangeConfiguration(key="AuthorizationCacheEnabled", value="false"))
    rig.plug()
    rig.tap()
    assert rig.messages(Authorize)


def learns(rig: Rig) -> bool:
    return any(isinstance(one.purpose, ToLearn) for one in rig.state.waiting.values())


def test_a_word_after_five_seconds_still_teaches_the_cache() -> None:
    """Ruling 5: an Authorize.conf after the deadline only updates the cache."""
    rig = Rig().online()
    rig.plug()
    rig.tap()
    rig.wait(6)
    rig.answer(Authorize)
    assert [row.info for row in rig.written(TagCached)] == [GOOD]
    assert not rig.written(TransactionOpened)
    assert not learns(rig)


def test_a_late_word_that_never_comes_teaches_nothing() -> None:
    """The line settles every request once."""
    rig = Rig().online()
    rig.plug()
    rig.tap()
    rig.wait(6)
    rig.answer(Authorize, AuthorizeConf(id_tag_info=None))
    assert not rig.written(TagCached)
    rig.tap(BOB)
    rig.wait(6)
    assert learns(rig)
    rig.link_down()
    assert not learns(rig)


def test_a_full_cache_drops_what_is_not_valid_first() -> None:
    """3.5.1 SHALL: NOT-valid entries go before the eldest valid one."""
    rows = [
        TagCached(id_tag=f"tag{n:03}", info=expired() if n in (7, 9) else GOOD, at=at(0))
        for n in range(CACHE_SIZE)
    ]
    rig = Rig(saved=Saved(cache=tuple(rows)), serve=True).online()
    rig.wall = NOON + timedelta(days=1)
    rig.plug()
    rig.tap()
    cache = rig.state.station.authorisation.cache
    assert "tag007" not in cache
    assert "tag009" not in cache
    assert "tag000" in cache


def test_an_erased_card_is_asked_about_again() -> None:
    """Issue 5, 8: its entry goes, nobody else's does."""
    rig = Rig(setup(keys=PRE), saved=cached((ALICE, GOOD), (BOB, GOOD))).online()
    rig.step(ErasureAsked(at=rig.instant, id_tags=(ALICE,)))
    assert rig.written(TagForgotten) == [TagForgotten(id_tag=ALICE.lower())]
    assert list(rig.state.station.authorisation.cache) == [BOB.lower()]
    rig.plug()
    rig.tap()
    assert rig.is_waiting(Authorize)

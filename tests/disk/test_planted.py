"""The sweep finds what it is for: weaker settings lose, planted bugs are seen, each by its word."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.disk.planted import WEAKER, LyingDisk, NamelessDisk, commits_early, swept
from tests.disk.trial import Tally


async def test_the_settings_as_they_are_break_nothing() -> None:
    """What the planted ones are compared with."""
    async for tally in swept():
        assert (tally.told, tally.broken) == ([], 0)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("synchronous=NORMAL", {"lost"}),
        ("synchronous=OFF", {"lost", "corrupt"}),
        ("journal_mode=DELETE", {"lost"}),
        ("journal_mode=MEMORY", {"corrupt"}),
    ],
)
async def test_weaker_settings_break_promises(name: str, words: set[str]) -> None:
    """Durability 1.5: a model that acquits these would acquit anything."""
    assert await breaks(words, swept(WEAKER[name]))


async def test_a_commit_in_parts_is_torn() -> None:
    """COMMIT before the last statement."""
    assert await breaks({"torn"}, swept(commits_early))


async def test_names_that_nobody_syncs_lose_a_journal() -> None:
    """The directory counts: the rows may be on the card, and no name leads to them."""
    assert await breaks({"lost"}, swept(disk=NamelessDisk()))


async def test_a_card_that_lies_loses_and_corrupts() -> None:
    """Durability 1.4: no order of writes helps where a sync does nothing."""
    assert await breaks({"lost", "corrupt"}, swept(disk=LyingDisk()))


async def breaks(words: set[str], tallies: AsyncIterator[Tally]) -> bool:
    """Whether all of *words* come to be said."""
    async for tally in tallies:
        counts = {"lost": tally.lost, "torn": tally.torn, "corrupt": tally.corrupt}
        if all(counts[word] for word in words):
            return True
    return False

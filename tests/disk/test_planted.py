"""The sweep finds what it is for: weaker settings lose, planted bugs are seen, each by its word."""

from __future__ import annotations

import pytest

from tests.disk.planted import WEAKER, LyingDisk, NamelessDisk, commits_early, swept
from tests.disk.recording import Settings
from tests.disk.trial import Tally


async def test_the_settings_as_they_are_break_nothing() -> None:
    """What the planted ones are compared with."""
    tally = await swept()
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
    assert words <= broken(await swept(WEAKER[name]))


async def test_a_commit_in_parts_is_torn() -> None:
    """COMMIT before the last statement."""
    assert "torn" in broken(await swept(Settings(commits_early)))


async def test_names_that_nobody_syncs_lose_a_journal() -> None:
    """The directory counts: the rows may be on the card, and no name leads to them."""
    assert "lost" in broken(await swept(Settings(syncs_names=False), NamelessDisk()))


async def test_a_card_that_lies_loses_and_corrupts() -> None:
    """Durability 1.4: no order of writes helps where a sync does nothing."""
    assert {"lost", "corrupt"} <= broken(await swept(disk=LyingDisk()))


def broken(tally: Tally) -> set[str]:
    """The words of the promises that were broken."""
    counts = {"lost": tally.lost, "torn": tally.torn, "corrupt": tally.corrupt}
    return {word for word, count in counts.items() if count}

"""A power cut, or a dead daemon, at every crash point of a signed update.

Checked: nothing but what was verified is ever installed, and the central system hears an end, the
true one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.core.work import JobKind, Stage
from tests.crash.asked import TAG
from tests.crash.histories import Fall, Story, play
from tests.crash.updates import SIGNED, UPDATE, UpdatingWorld

Figure = Callable[[str, int], None]

STORIES: dict[str, Story] = {
    "update": ((5, lambda w: w.call(UPDATE)),),
    "update amid a session": (
        (3, lambda w: w.plug(1)),
        (5, lambda w: w.tap(TAG)),
        (8, lambda w: w.call(UPDATE)),
        (40, lambda w: w.tap(TAG)),
        (50, lambda w: w.unplug(1)),
    ),
}
ENDS = ("Installed", "InstallationFailed", "InvalidSignature", "InstallVerificationFailed")


class Played:
    """One history, its world kept to be looked at."""

    def __init__(
        self, story: str, spool: Path, *, fall: Fall | None = None, swaps: bool = False
    ) -> None:
        def make(**options: Any) -> UpdatingWorld:
            self.world = UpdatingWorld(spool, swaps=swaps, **options)
            return self.world

        self.outcome = play(STORIES[story], fall=fall, make=make)

    @property
    def last_word(self) -> str | None:
        """The last that the central system heard of the update."""
        heard = self.world.listener.heard
        return heard[-1] if heard else None

    def breaches(self) -> list[str]:
        """What went wrong; an empty list is what we promise."""
        shop, word = self.world.workshop, self.last_word
        found = list(self.outcome.breaches)
        found += [f"installed {image!r}" for image in shop.begun if image != SIGNED]
        job = self.world.journal.rows.jobs.get(JobKind.FIRMWARE)
        if job is not None and job.stage is not Stage.TOLD:
            found.append(f"came to rest in {job.stage}")
        if word not in (None, *ENDS):
            found.append(f"the last word is {word}")
        if (word == "Installed") != shop.has_installed:
            found.append(f"{word}, but installed: {shop.has_installed}")
        return found


@pytest.mark.parametrize("story", STORIES)
def test_an_update_without_a_crash_is_installed(story: str, tmp_path: Path) -> None:
    """The model itself is sound."""
    played = Played(story, tmp_path)
    assert played.breaches() == []
    assert played.world.workshop.begun == [SIGNED]
    assert played.world.listener.heard == [
        "Downloading",
        "Downloaded",
        "SignatureVerified",
        "Installing",
        "InstallRebooting",
        "Installed",
    ]


@pytest.mark.sweep
@pytest.mark.parametrize("cut", ["kill", "power-cut", "swapped"])
@pytest.mark.parametrize("story", STORIES)
def test_no_crash_point_installs_what_was_not_verified(
    story: str, cut: str, tmp_path: Path, record_figure: Figure
) -> None:
    """L01: whatever happens to process, power and file, at each crash point, one death each."""
    points = Played(story, tmp_path).outcome.points
    breaches, words = [], set()
    for point in range(1, points + 1):
        fall = Fall(point=point, with_power=cut != "kill")
        played = Played(story, tmp_path, fall=fall, swaps=cut == "swapped")
        assert played.outcome.deaths == 1, f"crash point {point} was not reached"
        breaches += [f"point {point}: {breach}" for breach in played.breaches()]
        words.add(played.last_word)
    record_figure("crash points of updates swept", points)
    assert breaches == []
    if cut == "kill":
        assert words <= {None, "Installed"}, "a dead daemon alone makes no update fail"
    if cut == "swapped":
        assert words >= {"Installed", "InvalidSignature", "InstallVerificationFailed"}

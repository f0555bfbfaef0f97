"""Cards, as the control socket hands them to the core; and what erasing one leaves owed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from edge.app import roles, traces
from edge.core.card_roles import CardKept, Role
from edge.core.events import TagPresented
from edge.core.records import Parked, Record, TagCached, TransactionStopped
from edge.errors import ConfigError
from tests.app.test_resend import desk
from tests.core.bench import ALICE, BOB, GOOD, at
from tests.drivers.test_journal import opened, queued, start_message
from tests.waiting import until

INSTALLER = CardKept(id_tag="1nstaller", role=Role.INSTALLER)


async def test_a_role_that_is_told_is_on_the_disk(tmp_path: Path) -> None:
    """The answer says what a restart will know."""
    async with desk(tmp_path, []) as made:
        now = made.clock.now()
        told = await roles.change(made.loop, made.recorder, now, "owner", ALICE)
        assert told == {"id_tag": ALICE, "role": "owner"}
        assert (await made.journal.load()).cards == (
            CardKept(id_tag=ALICE.lower(), role=Role.OWNER),
        )
        found = roles.listed(made.loop.state, now.monotonic)
        assert found == {
            "cards": [{"id_tag": ALICE, "role": "owner", "here": True}],
            "setup_left_s": None,
        }


@pytest.mark.parametrize(
    ("role", "tag", "why"),
    [
        ("king", ALICE, "none of owner"),
        ("owner", "", "1 to 20"),
        ("owner", "x" * 21, "1 to 20"),
        (None, ALICE, "no role"),
    ],
)
async def test_what_makes_no_sense_is_said_in_a_sentence(
    role: str | None, tag: str, why: str, tmp_path: Path
) -> None:
    """The objection reaches who asked."""
    async with desk(tmp_path, []) as made:
        with pytest.raises(ConfigError, match=why):
            await roles.change(made.loop, made.recorder, made.clock.now(), role, tag)


async def test_the_next_card_is_waited_for_and_named(tmp_path: Path) -> None:
    """`cards add --next-tap`, in the window only."""
    async with desk(tmp_path, [INSTALLER]) as made:
        loop, recorder, clock = made.loop, made.recorder, made.clock
        with pytest.raises(ConfigError, match="installer's card"):
            await roles.learn(loop, recorder, clock.now(), "owner")
        loop.post(TagPresented(at=clock.now(), id_tag="1nstaller"))
        await loop.come_round()
        assert roles.listed(loop.state, clock.now().monotonic)["setup_left_s"] is not None
        asked = asyncio.ensure_future(roles.learn(loop, recorder, clock.now(), "owner"))
        await until(lambda: loop.state.station.cards.learning is not None)
        loop.post(TagPresented(at=clock.now(), id_tag=BOB))
        assert await asked == {"id_tag": BOB, "role": "owner"}


async def test_erasing_a_card_changes_nothing_that_is_owed(tmp_path: Path) -> None:
    """I1-I4: what waits and what was refused is as it was; the cache is empty, on the disk too."""
    rows: list[Record] = [
        TagCached(id_tag=ALICE.lower(), info=GOOD, at=at(1)),
        replace(opened(1), connector=1),
        queued(1, start_message()),
        opened(2),
        TransactionStopped(ref=2, end_wh=1420, at=at(9)),
        queued(2, start_message(), ref=2),
        Parked(seq=2, at=at(5), code="X", description=""),
        CardKept(id_tag=ALICE.lower(), role=Role.BLOCKED),
    ]
    async with desk(tmp_path, rows) as made:
        waiting = await made.journal.read_outbox(0, 9)
        letters = await made.journal.dead_letters()
        answer = await traces.erase(
            made.journal, made.loop, made.recorder, made.clock.now(), [ALICE]
        )
        assert answer["sessions"] == 2
        assert [reason.split(" ")[0] for reason in answer["kept"]] == ["1", "1", "1", "it"]
        assert made.loop.state.station.authorisation.cache == {}
        assert (await made.journal.load()).cache == ()
        assert await made.journal.read_outbox(0, 9) == waiting
        assert await made.journal.dead_letters() == letters
        bob = await traces.erase(made.journal, made.loop, made.recorder, made.clock.now(), [BOB])
        assert bob == {"sessions": 0, "kept": []}

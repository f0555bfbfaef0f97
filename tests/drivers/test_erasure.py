"""What the journal holds of a card, and that erased means gone from the file too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edge.core.card_roles import CardKept, Role
from edge.core.records import (
    Delivered,
    ListChanged,
    ListedTag,
    Parked,
    Record,
    Resent,
    ReservationMade,
    TagCached,
    TagForgotten,
    TransactionStopped,
    TransactionStopping,
)
from edge.core.security_log import SecurityEventLogged
from edge.core.vocabulary import SecurityEvent, StopReason
from edge.drivers.journal import SqliteJournal, open_journal
from tests.drivers.test_journal import ACCEPTED, at, opened, queued, start_message, stop_message

UID = "04A2B1C3D4E580"
ADMIN = "DEADBEEF"
STOPPED = TransactionStopped(ref=1, end_wh=1420, at=at(99), estimated=False)


def in_files(journal: SqliteJournal, word: str) -> bool:
    """Whether *word* is anywhere in the database or its log, in either case."""
    files = (journal.path, journal.path.with_name(f"{journal.path.name}-wal"))
    content = b"".join(file.read_bytes() for file in files if file.exists()).lower()
    return word.lower().encode() in content


def session(*delivered: int) -> list[Record]:
    """A session with two messages, those *delivered* answered."""
    rows: list[Record] = [opened(1), queued(1, start_message()), STOPPED]
    return [*rows, queued(2, stop_message()), *(Delivered(seq=seq) for seq in delivered)]


async def test_a_settled_session_keeps_its_energy_and_no_name(tmp_path: Path) -> None:
    """Deleted rows leave their bytes in freed pages and in the log: both are gone."""
    async with open_journal(tmp_path / "j") as journal:
        await journal.commit(session(1, 2))
        more = range(3, 60)
        await journal.commit([queued(seq, stop_message()) for seq in more])
        await journal.commit([Delivered(seq=seq) for seq in more])
        await journal.commit([TagCached(id_tag=UID.lower(), info=ACCEPTED, at=at(1))])
        await journal.commit([TagForgotten(id_tag=UID.lower())])
        assert await journal.mark_erased([UID]) == 1
        assert in_files(journal, UID)
        assert await journal.purge()
        assert not in_files(journal, UID)
        assert not in_files(journal, "FAMILY")
        (left,) = await journal.sessions([1])
        assert (left.opened.begin_wh, left.stopped) == (1000, STOPPED)
        assert not await journal.purge()
        assert await journal.check() == "ok"


async def test_a_session_that_is_owed_keeps_its_name_until_it_is_told(tmp_path: Path) -> None:
    """I2, I4: open, waiting and refused sessions are billed under the name they have."""
    async with open_journal(tmp_path / "j") as journal:
        await journal.commit([opened(1), queued(1, start_message())])
        await journal.mark_erased([UID])
        await journal.purge()
        assert await journal.unsettled([UID]) == {"open": 1, "waiting": 1, "refused": 0}
        await journal.commit([STOPPED, queued(2, stop_message()), Delivered(seq=1)])
        assert not await journal.purge()
        await journal.commit([Parked(seq=2, at=at(100), code="X", description="")])
        assert not await journal.purge()
        assert await journal.unsettled([UID]) == {"open": 0, "waiting": 0, "refused": 1}
        (letter,) = await journal.dead_letters()
        assert letter.queued == queued(2, stop_message())
        (kept,) = await journal.sessions([1])
        assert kept.opened == opened(1)
        await journal.commit([Resent(seq=2, message_id="new"), Delivered(seq=2)])
        assert await journal.purge()
        assert not in_files(journal, UID)


async def test_who_only_ended_a_session_takes_nobody_elses_name_along(tmp_path: Path) -> None:
    """An admin's card is erased: the session stays its driver's."""
    stopping = TransactionStopping(ref=1, reason=StopReason.LOCAL, at=at(90), id_tag=ADMIN)
    async with open_journal(tmp_path / "j") as journal:
        await journal.commit([*session(1, 2), stopping])
        assert await journal.mark_erased([ADMIN]) == 1
        await journal.purge()
        assert not in_files(journal, ADMIN)
        (left,) = await journal.sessions([1])
        assert left.opened == opened(1)
        await journal.mark_erased([UID])
        await journal.purge()
        assert not in_files(journal, UID)


async def test_a_purge_that_a_cut_broke_off_is_done_again(tmp_path: Path) -> None:
    """The rows are gone and the file was not yet written anew."""
    async with open_journal(tmp_path / "j") as journal:
        await journal.commit(session(1, 2))
        await journal.mark_erased([UID])
    async with open_journal(tmp_path / "j") as journal:
        assert await journal.purge()
        assert not in_files(journal, UID)


async def test_what_is_held_of_a_card_is_shown_whole_and_nothing_of_others(tmp_path: Path) -> None:
    """Sessions with what waits of them, cache, list, reservations, role, lines of the log."""
    kind = SecurityEvent.RECONFIGURATION_OF_SECURITY_PARAMETERS
    lines = [
        SecurityEventLogged(seq=seq, event=kind, at=at(1), info=info, untold=False)
        for seq, info in ((1, "card …E580: owner"), (2, "card …BEEF: owner"), (3, None))
    ]
    reserved = ReservationMade(reservation_id=5, connector=1, id_tag=UID, expiry_date=at(900).wall)
    listed = ListedTag(id_tag=UID.lower(), info=ACCEPTED)
    async with open_journal(tmp_path / "j") as journal:
        await journal.commit([*session(1), replace(opened(2), id_tag=ADMIN), *lines, reserved])
        await journal.commit([TagCached(id_tag=UID.lower(), info=ACCEPTED, at=at(1))])
        await journal.commit([ListChanged(version=3, anew=True, entries=(listed,))])
        await journal.commit([CardKept(id_tag=UID.lower(), role=Role.OWNER)])
        found = await journal.held([UID])
        beyond = await journal.held([UID], after=1)
    assert [one["ref"] for one in found["sessions"]] == [1]
    assert found["sessions"][0]["outbox"] == {"StopTransaction": 1}
    assert found["sessions"][0]["dead_letters"] == {}
    assert [len(found[name]) for name in ("cache", "local_list", "reservations", "roles")] == [
        1
    ] * 4
    assert [line["seq"] for line in found["security_log"]] == [1]
    assert found["next"] is None
    assert beyond["sessions"] == []

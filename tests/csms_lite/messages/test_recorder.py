"""The queue before the log, its retention and its file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Connection

from csms_lite.clock import SystemClock
from csms_lite.errors import StoreFailed
from csms_lite.messages import service
from csms_lite.messages.keeper import Keeper, Retention
from csms_lite.messages.recorder import Recorder
from csms_lite.messages.service import DAY_MS, Cursor, Wanted
from csms_lite.store.thread import raw_of
from tests.csms_lite.messages.logs import Still, files, log_of, row


async def nothing_lost(_count: int) -> None:
    """Stands where frames that are lost would be told of: here none may be."""
    raise NotImplementedError


async def test_a_full_queue_loses_frames_and_says_so(tmp_path: Path) -> None:
    """Nobody waits for the log: what does not fit is counted, told once, and the rest is kept."""
    said: list[int] = []

    async def say(count: int) -> None:
        said.append(count)

    async with log_of(tmp_path) as store:
        recorder = Recorder(store, SystemClock(), slow_ms=1000, say_lost=say, queue_max=5)
        tap = recorder.tap("CP-1", Still())
        for number in range(8):
            await tap.send(f'[2,"{number}","Reset",{{}}]')
        assert recorder.lost == 3
        recorder.is_paused = True
        await tap.send('[2,"p","Reset",{}]')
        recorder.close()
        await recorder.write_on()
        kept, _ = await store.read(service.page, Wanted(), None, count=100, looked_at=1000)
    assert [one.message_id for one in kept] == ["4", "3", "2", "1", "0"]
    assert (recorder.lost, said, recorder.waiting) == (4, [4], 0)
    assert recorder.counts["SENT", "CALL", "Reset"] == 5


async def test_long_frames_are_committed_a_few_at_a_time(tmp_path: Path) -> None:
    """Hostile stations must not make one commit of hundreds of MiB, nor hold it in memory."""
    async with log_of(tmp_path) as store:
        recorder = Recorder(store, SystemClock(), slow_ms=1000, say_lost=nothing_lost)
        tap = recorder.tap("CP-1", Still())
        for number in range(50):
            await tap.send(f'[2,"{number}","Reset",{{"a":"{"x" * 250_000}"}}]')
        recorder.close()
        await recorder.write_on()
        kept, _ = await store.read(service.page, Wanted(), None, count=100, looked_at=1000)
    assert [one.message_id for one in kept] == [str(number) for number in range(49, -1, -1)]
    assert store.counts.commits == 3


async def test_long_frames_leave_the_loop_to_others_in_between(tmp_path: Path) -> None:
    """Each is looked through for secrets, which may take 100 ms: never many of them on end."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)  # waits for nothing: it counts the turns of the loop

    async with log_of(tmp_path) as store:
        recorder = Recorder(store, SystemClock(), slow_ms=1000, say_lost=nothing_lost)
        tap = recorder.tap("CP-1", Still())
        for number in range(16):
            await tap.send(f'[2,"{number}","Reset",{{"a":"{"x" * 250_000}"}}]')
        task = asyncio.create_task(others())
        rows, _ = await recorder._rows()
        task.cancel()
    assert len(rows) == 16
    assert turns >= 16


async def test_sockets_that_come_and_go_do_not_fill_the_memory(tmp_path: Path) -> None:
    """That one closed waits for the log as a frame does: a station may do it all day."""
    async with log_of(tmp_path) as store:
        recorder = Recorder(store, SystemClock(), slow_ms=1000, say_lost=nothing_lost, queue_max=5)
        for _ in range(50):
            with pytest.raises(ConnectionError):
                await recorder.tap("CP-1", Still(is_closed=True)).recv()
        assert (recorder.waiting, recorder.lost) == (5, 45)


async def test_what_could_not_be_sent_is_told(tmp_path: Path) -> None:
    """The frame is in the log as it was to go, and the delay says that it did not."""
    async with log_of(tmp_path) as store:
        recorder = Recorder(store, SystemClock(), slow_ms=1000, say_lost=nothing_lost)
        with pytest.raises(ConnectionError):
            await recorder.tap("CP-1", Still(is_closed=True)).send('[2,"7","Reset",{}]')
        recorder.close()
        await recorder.write_on()
        [delay] = await store.read(service.list_delays, None, service.NEWEST, 10)
    assert (delay.message_id, delay.action, delay.outcome) == ("7", "Reset", "unsent")


async def test_made_up_actions_do_not_fill_the_memory(tmp_path: Path) -> None:
    """A metric's labels are words of the standard, whatever a station says."""
    async with log_of(tmp_path) as store:
        recorder = Recorder(store, SystemClock(), slow_ms=1000, say_lost=nothing_lost)
        tap = recorder.tap("CP-1", Still())
        for number in range(50):
            await tap.send(f'[2,"{number}","Action{number}",{{}}]')
        recorder.close()
        await recorder.write_on()
    assert dict(recorder.counts) == {("SENT", "CALL", "other"): 50}


async def test_each_class_is_forgotten_in_its_time(tmp_path: Path) -> None:
    """Heartbeats are thinned after a day, frames go later, those of bills last (B70, B87)."""
    now = 1000 * DAY_MS
    ages = {"beat": (0, 2, 70), "plain": (0, 59, 61), "transaction": (0, 61, 500)}
    rows = [
        row(now - age * DAY_MS, keep=kept_as, payload='{"a":1}', message_id=f"{kept_as}-{age}")
        for kept_as, of_class in ages.items()
        for age in of_class
    ]
    async with log_of(tmp_path) as store:
        await store.do(service.keep, rows, [])
        assert await store.do(service.thin_beats, now) == 2
        limits = {"days": 60, "transaction_days": 400}
        assert await store.do(service.forget, now, **limits) == 3
        assert await store.do(service.forget, now, **limits) == 0
        kept, _ = await store.read(service.page, Wanted(), None, count=100, looked_at=1000)
        assert await store.do(service.forget, now, days=60, transaction_days=0) == 0
    assert {one.message_id: one.payload for one in kept} == {
        "beat-0": '{"a":1}',
        "beat-2": None,
        "plain-0": '{"a":1}',
        "plain-59": '{"a":1}',
        "transaction-0": '{"a":1}',
        "transaction-61": '{"a":1}',
    }


async def test_the_log_does_not_outgrow_its_bound(tmp_path: Path) -> None:
    """The oldest go first, and the room is used again."""
    async with log_of(tmp_path) as store:
        for start in range(0, 3000, 100):
            rows = [row(start + one, payload="x" * 4000) for one in range(100)]
            await store.do(service.keep, rows, [])

        async def say(_count: int) -> None:
            raise NotImplementedError

        recorder = Recorder(store, SystemClock(), slow_ms=1000, say_lost=say)
        retention = Retention(days=36_500, transaction_days=0, max_mb=5)
        keeper = Keeper(store, SystemClock(), recorder, tmp_path, retention)
        assert await store.read(service.size) > 10_000_000
        await keeper.tidy(asyncio.Event())
        assert await store.read(service.size) <= 5_000_000
        newest, _ = await store.read(service.page, Wanted(), None, count=1, looked_at=10)
    assert newest[0].message_id == "m-2999"


async def test_a_disk_that_fills_pauses_the_log_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left is for money; with room again the log goes on."""
    async with log_of(tmp_path) as store:
        recorder = Recorder(store, SystemClock(), slow_ms=1000, say_lost=nothing_lost)
        retention = Retention(days=60, transaction_days=0, max_mb=10)
        keeper = Keeper(store, SystemClock(), recorder, tmp_path, retention)
        for free, is_paused in ((1, True), (2**40, False)):
            monkeypatch.setattr(
                "shutil.disk_usage", lambda _, free=free: SimpleNamespace(free=free)
            )
            await keeper.tidy(asyncio.Event())
            assert recorder.is_paused is is_paused


async def test_a_disk_that_cannot_be_asked_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network drive that is away for a moment: the log is looked after the next time."""
    asked, stopping = 0, asyncio.Event()

    def usage(_folder: Path) -> SimpleNamespace:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise OSError(5, "Input/output error")
        stopping.set()
        return SimpleNamespace(free=2**40)

    async with log_of(tmp_path) as store:
        recorder = Recorder(store, SystemClock(), slow_ms=1000, say_lost=nothing_lost)
        retention = Retention(days=60, transaction_days=0, max_mb=10)
        keeper = Keeper(store, SystemClock(), recorder, tmp_path, retention)
        monkeypatch.setattr("shutil.disk_usage", usage)
        async with asyncio.timeout(5):
            await keeper.keep_on(stopping, every_s=0)
    assert asked == 2


async def test_a_rare_word_is_sought_in_bounded_steps(tmp_path: Path) -> None:
    """An empty page that is not the end says where to go on."""
    async with log_of(tmp_path) as store:
        rows = [row(one, payload='{"needle":1}' if one == 3 else "{}") for one in range(5000)]
        await store.do(service.keep, rows, [])
        wanted, rest, looks = Wanted(words="NEEDLE"), None, 0
        found: list[int] = []
        while True:
            some, rest = await store.read(service.find, wanted, rest, count=10, looked_at=2000)
            found += some
            looks += 1
            if rest is None:
                break
    assert (len(found), looks) == (1, 3)


async def test_frames_stay_in_order_when_the_clock_goes_back(tmp_path: Path) -> None:
    """Pages go by time and number together: ids alone would lose what came after a correction."""
    async with log_of(tmp_path) as store:
        await store.do(service.keep, [row(at) for at in (500, 600, 100, 200)], [])
        page, rest = await store.read(service.page, Wanted(), None, count=2, looked_at=100)
        assert [one.at_ms for one in page] == [600, 500]
        assert rest == Cursor(500, 1)
        page, _ = await store.read(service.page, Wanted(to_ms=400), rest, count=9, looked_at=100)
        assert [one.at_ms for one in page] == [200, 100]


async def test_a_log_of_another_version_is_left_alone(tmp_path: Path) -> None:
    """It is not broken: a newer program may read it yet."""

    def stamp(db: Connection) -> None:
        raw_of(db).execute("PRAGMA user_version = 99")

    async with log_of(tmp_path) as store:
        await store.do(stamp)
    with pytest.raises(StoreFailed, match="its version is 99"):
        async with log_of(tmp_path):
            pass
    assert files(tmp_path, "*broken*") == []


async def test_the_log_syncs_less_than_money_does(tmp_path: Path) -> None:
    """`synchronous = NORMAL` is what keeps a frame from costing a write to the disk."""

    def synchronous(db: Connection) -> int:
        return int(raw_of(db).execute("PRAGMA synchronous").fetchone()[0])

    async with log_of(tmp_path) as store:
        assert await store.do(synchronous) == 1

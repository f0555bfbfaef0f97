"""Webhooks against receivers that take, fail, hang and redirect."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from csms_lite.errors import NotFound, Refused
from csms_lite.live.service import begin_epoch, note_change
from csms_lite.store.thread import open_database
from csms_lite.store.writer import Store, open_store
from csms_lite.webhooks import courier as courier_module
from csms_lite.webhooks import service
from csms_lite.webhooks.courier import Courier
from csms_lite.webhooks.post import Outcome, Poster
from csms_lite.webhooks.rules import LEASE_MS, Delivery, secret_of, signature
from tests.csms_lite.central import running
from tests.csms_lite.inline import lay_empty_database

SECRET = secret_of("11" * 32)
MINUTE_MS = 60_000


class Clock:
    """A clock that a test puts forward."""

    def __init__(self) -> None:
        self.at_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic(self) -> float:
        return self.at_ms / 1000


@dataclass
class Receiver:
    """A local HTTP server that answers as told, and keeps what came."""

    answers: list[bytes] = field(default_factory=list)
    """Raw answers in turn, the last one for ever; empty: it says nothing."""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    paths: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.came.append((headers, body))
        self.paths.append(head[0].split(" ")[1])
        if not self.answers:
            await reader.read()  # until the other side gives up
        else:
            writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
        writer.close()


def answer(status: int, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} x", "content-length: 0", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@asynccontextmanager
async def receiving(*answers: bytes) -> AsyncIterator[Receiver]:
    receiver = Receiver(list(answers))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver


@asynccontextmanager
async def a_store(folder: Path, clock: Clock) -> AsyncIterator[Store]:
    path = folder / "csms.db"
    lay_empty_database(path)
    async with open_store(path, clock=clock, open_database=open_database) as store:
        await store.do(begin_epoch, clock.now_ms())
        yield store


async def subscribe(store: Store, port: int, *kinds: str, path: str = "hook") -> int:
    added = await store.do(
        service.subscribe,
        f"http://127.0.0.1:{port}/{path}",
        list(kinds),
        secret=SECRET,
        is_http_allowed=True,
        now_ms=0,
    )
    return added.webhook_id


async def change(store: Store, kind: str = "session", number: int = 1) -> None:
    await store.do(note_change, kind, None, {"n": number}, 1)


@asynccontextmanager
async def carrying(store: Store, clock: Clock, **options: Any) -> AsyncIterator[Courier]:
    """Run a courier while the block lasts."""
    poster = Poster(**{"is_private_allowed": True, **options})
    courier = Courier(store, clock, poster)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(courier.carry_on())
        yield courier
        courier.close()


async def until(
    store: Store, webhook_id: int, meant: Callable[[list[Delivery]], bool]
) -> list[Delivery]:
    async with asyncio.timeout(10):
        while True:
            found = await store.read(service.list_deliveries, webhook_id, None, 2**62, 100)
            if meant(found):
                return found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often: the times between attempts are the clock's, and that one is ours."""
    for name, value in (("EVERY_S", 0.02), ("BETWEEN_S", 0.001), ("REST_S", 0.001)):
        monkeypatch.setattr(courier_module, name, value)


async def test_a_change_arrives_signed(tmp_path: Path) -> None:
    """Only the kinds asked for, each once, with a signature over what arrived."""
    clock = Clock()
    async with a_store(tmp_path, clock) as store, receiving(answer(204)) as receiver:
        webhook = await subscribe(store, receiver.port, "session")
        async with carrying(store, clock):
            await change(store, "connector")
            await change(store, "session", 7)
            await until(store, webhook, lambda all_: [one.state for one in all_] == ["delivered"])
    [(headers, body)] = receiver.came
    assert json.loads(body)["details"] == {"n": 7}
    assert json.loads(body)["kind"] == "session"
    at_s = int(headers["webhook-timestamp"])
    assert at_s == clock.at_ms // 1000
    expected = signature(SECRET, headers["webhook-id"], at_s, body.decode())
    assert headers["webhook-signature"] == expected.lower()
    assert headers["host"] == f"127.0.0.1:{receiver.port}"


async def test_what_fails_is_tried_again_under_the_same_id(tmp_path: Path) -> None:
    """At 1, 5, 15 and 60 minutes, not before; after that it is dead, until somebody revives it."""
    clock = Clock()
    async with a_store(tmp_path, clock) as store, receiving(answer(500)) as receiver:
        webhook = await subscribe(store, receiver.port)
        async with carrying(store, clock):
            await change(store)
            for attempts, minutes in enumerate((1, 5, 15, 60), start=1):
                [one] = await until(
                    store, webhook, partial(_settled, attempts=attempts, clock=clock)
                )
                assert (one.state, one.status) == ("pending", 500)
                assert one.due_at_ms == clock.at_ms + minutes * MINUTE_MS
                clock.at_ms += minutes * MINUTE_MS - 1
                assert await store.read(service.receivers_due, clock.at_ms) == []
                clock.at_ms += 1
            [dead] = await until(store, webhook, lambda all_: all_[0].state == "dead")
            assert (dead.attempts, dead.problem) == (5, "it answered 500")
            receiver.answers[:] = [answer(200)]
            assert await store.do(service.revive, webhook, dead.delivery_id, clock.at_ms) == 1
            await until(store, webhook, lambda all_: all_[0].state == "delivered")
    assert len(receiver.came) == 6
    assert len({headers["webhook-id"] for headers, _ in receiver.came}) == 1
    assert len({body for _, body in receiver.came}) == 1


def _settled(found: list[Delivery], attempts: int, clock: Clock) -> bool:
    """The attempt is over: while under way, the next is due only by its lease."""
    return (
        bool(found)
        and found[0].attempts == attempts
        and found[0].problem is not None
        and (found[0].due_at_ms != clock.at_ms + LEASE_MS or attempts == 1)
    )


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """It would lead past every check of the address."""
    clock = Clock()
    async with receiving(answer(200)) as inner:
        there = f"location: http://127.0.0.1:{inner.port}/secret"
        async with a_store(tmp_path, clock) as store, receiving(answer(307, there)) as receiver:
            webhook = await subscribe(store, receiver.port)
            async with carrying(store, clock):
                await change(store)
                [one] = await until(store, webhook, lambda all_: _settled(all_, 1, clock))
    assert one.problem is not None
    assert "redirects" in one.problem
    assert inner.came == []


async def test_a_receiver_that_hangs_holds_up_nobody_else(tmp_path: Path) -> None:
    """Each has its own line, and time."""
    clock = Clock()
    async with (
        a_store(tmp_path, clock) as store,
        receiving() as hanging,
        receiving(answer(200)) as quick,
    ):
        slow = await subscribe(store, hanging.port)
        fast = await subscribe(store, quick.port)
        async with carrying(store, clock, within_s=1.0):
            for number in range(3):
                await change(store, number=number)
            await until(store, fast, lambda all_: [one.state for one in all_] == ["delivered"] * 3)
            assert len(hanging.came) <= 1
            found = await until(store, slow, lambda all_: all_[-1].problem is not None)
    assert found[-1].problem == "no answer within 1 s"
    assert [json.loads(body)["details"]["n"] for _, body in quick.came] == [0, 1, 2]


async def test_a_private_address_is_refused_before_it_is_connected_to(tmp_path: Path) -> None:
    """Also one that a public name leads to: what was looked up is what is connected to."""
    clock = Clock()
    async with a_store(tmp_path, clock) as store, receiving(answer(200)) as receiver:
        webhook = await subscribe(store, receiver.port)
        async with carrying(store, clock, is_private_allowed=False):
            await change(store)
            [one] = await until(store, webhook, lambda all_: _settled(all_, 1, clock))
        poster = Poster(is_private_allowed=False)
        by_name = await poster.post(f"http://localhost:{receiver.port}/", b"{}", {})
    assert one.problem is not None
    assert "private" in one.problem
    assert by_name.problem == one.problem
    assert receiver.came == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", None),
        (b"no http at all\r\n\r\n", None),
        (b"HTTP/1.1 200 x\r\n\r\n" + b"x" * 10_000_000, 200),
        (answer(404), 404),
        (b"HTTP/1.1 302 x\r\nLocation: http://xn--\r\ncontent-length: 0\r\n\r\n", None),
    ],
)
async def test_any_answer_is_borne(raw: bytes, status: int | None) -> None:
    """A receiver is no friend: of what it says little is read, and nothing kept."""
    async with receiving(raw) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/a?b=c"
        outcome = await Poster(is_private_allowed=True).post(url, b"{}", {})
    assert outcome.status == status
    assert (outcome.problem is None) == (status == 200)
    assert receiver.paths == ["/a?b=c"]


async def test_a_receiver_that_is_not_there_is_a_failure() -> None:
    """Refused connections and unknown names are outcomes, not exceptions."""
    poster = Poster(is_private_allowed=True)
    async with receiving(answer(200)) as receiver:
        port = receiver.port
    for url in (
        f"http://127.0.0.1:{port}/",
        "http://no-such-host.invalid/",
        "http://a..b/",
        f"http://{'a' * 64}/",
    ):
        outcome = await poster.post(url, b"{}", {})
        assert outcome.status is None
        assert outcome.problem


async def test_an_attempt_cut_short_is_made_again(tmp_path: Path) -> None:
    """The process ends while a receiver has the message: it comes again, with the same id."""
    clock = Clock()
    async with a_store(tmp_path, clock) as store, receiving() as receiver:
        webhook = await subscribe(store, receiver.port)
        async with carrying(store, clock):
            await change(store)
            async with asyncio.timeout(5):
                while not receiver.came:
                    await store.read(service.list_webhooks)
        receiver.answers = [answer(200)]
        assert await store.read(service.receivers_due, clock.at_ms) == []
        clock.at_ms += LEASE_MS
        async with carrying(store, clock):
            await until(store, webhook, lambda all_: all_[0].state == "delivered")
    assert len({headers["webhook-id"] for headers, _ in receiver.came}) == 1


async def test_a_receiver_that_is_behind_gets_no_more_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its table is bounded; the changes wait in theirs, and come when there is room."""
    monkeypatch.setattr(service, "MAX_PENDING", 2)
    monkeypatch.setattr(service, "AT_ONCE", 1)
    clock = Clock()
    async with a_store(tmp_path, clock) as store:
        webhook = await subscribe(store, 9)
        for _ in range(5):
            await change(store)
        while await store.do(service.enqueue, webhook, 0):
            pass
        assert (await store.read(service.counts)) == {"pending": 2}
        due = await store.do(service.take_due, webhook, 0)
        assert due is not None
        await store.do(service.delivered, due.delivery_id, 200, 0)
        assert await store.do(service.enqueue, webhook, 0)
        assert (await store.read(service.counts)) == {"delivered": 1, "pending": 2}
        assert await store.do(service.forget, 8 * 86_400_000) == 1
        for _ in range(service.MAX_WEBHOOKS - 1):
            await subscribe(store, 9)
        with pytest.raises(Refused):
            await subscribe(store, 9)


async def test_a_secret_is_shown_once(tmp_path: Path) -> None:
    """By the one answer that makes it; http and private addresses need their settings."""
    async with running(tmp_path, webhook_http=True) as central:
        body = {"url": "http://127.0.0.1:9/hook", "kinds": ["session"]}
        made = (await central.http.post("/api/webhooks", json=body)).json()
        assert made["secret"].startswith("whsec_")
        path = f"/api/webhooks/{made['id']}"
        for where in ("/api/webhooks", f"{path}/deliveries"):
            assert made["secret"] not in (await central.http.get(where)).text
        paused = await central.http.patch(path, json={"state": "paused"})
        assert paused.json()["state"] == "paused"
        assert (await central.http.post(f"{path}/deliveries/retry")).json() == {"revived": 0}
        for bad in ({"url": "ftp://x/"}, {"url": "http://x/", "kinds": ["meeting"]}):
            assert (await central.http.post("/api/webhooks", json=bad)).status_code == 422
        assert (await central.http.delete(path)).status_code == 204
        assert (await central.http.delete(path)).status_code == NotFound.status
        assert await central.get("/api/webhooks") == []


async def test_an_outcome_without_a_problem_arrived() -> None:
    """The one thing that the courier asks of it."""
    async with receiving(answer(202)) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/"
        assert await Poster(is_private_allowed=True).post(url, b"", {}) == Outcome(202, None)

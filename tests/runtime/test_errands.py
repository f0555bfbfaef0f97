"""Long work runs beside the loop: one answer each, none after it was abandoned."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.core.effects import Abandon, Fetch, Install, Upload, VerifyImage
from edge.core.events import Event, Failure, JobFinished, JobProgressed
from edge.core.instant import Instant
from edge.core.vocabulary import LogType
from edge.core.work import Seal
from edge.errors import ImageUntrusted, InstallFailed, TransferFailed
from edge.runtime.errands import IMAGE, Errand, Errands, Hands
from tests.waiting import until

UPLOAD = Upload(ticket=2, location="ftp://x/logs", file_name="log.gz", log_type=LogType.DIAGNOSTICS)
FETCH = Fetch(ticket=1, location="https://x/new")
SEAL = Seal(signing_certificate="signer", signature="c2ln")
VERIFY = VerifyImage(ticket=5, seal=SEAL, roots=("root",))
INSTALL = Install(ticket=6, seal=SEAL, roots=("root",))


def put(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def read(file: Path) -> bytes:
    return file.read_bytes()


class Clock:
    """Time that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> Instant:
        return Instant(wall=datetime(2026, 3, 1, tzinfo=UTC), monotonic=self.seconds)

    def learn(self, wall_at: Instant) -> None:
        raise AssertionError(wall_at)


class Worker:
    """Transfer, updater and gatherer as told."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.refusal: OSError | None = None
        self.hold = asyncio.Event()
        self.hold.set()
        self.asked = 0
        self.delivered: list[tuple[bytes, str, str]] = []
        self.installed: list[bytes | None] = []
        self.begun = False
        self.trusts = b"image"
        self.forgotten: list[str] = []

    async def fetch(self, _location: str, target: Path, progress: Callable[[int], None]) -> None:
        await self._work()
        for seconds in (0.5, 1.5):
            self.clock.seconds = seconds
            progress(int(seconds * 1000))
        put(target, b"image")

    async def deliver(
        self, source: Path, location: str, name: str, _progress: Callable[[int], None]
    ) -> None:
        await self._work()
        self.delivered.append((read(source), location, name))

    async def install(self, image: Path) -> None:
        await self._work()
        self.installed.append(None if self.begun else read(image))

    async def verify(self, image: Path, seal: Seal, roots: Sequence[str], at: datetime) -> None:
        assert (seal, roots, at) == (SEAL, ("root",), self.clock.now().wall)
        await self._work()
        if read(image) != self.trusts:
            raise ImageUntrusted("another image")

    def has_begun(self, image: Path) -> bool:
        assert image.name == IMAGE
        return self.begun

    async def forget(self, image: Path) -> None:
        self.forgotten.append(image.name)

    async def gather(
        self, log_type: LogType, target: Path, _oldest: object, _latest: object
    ) -> None:
        put(target, log_type.encode())

    async def _work(self) -> None:
        self.asked += 1
        await self.hold.wait()
        if self.refusal is not None:
            raise self.refusal


class Site:
    """Errands at work in a directory."""

    def __init__(self, spool: Path) -> None:
        self.clock = Clock()
        self.worker = Worker(self.clock)
        self.posted: list[Event] = []
        self.spool = spool
        hands = Hands(
            transfer=self.worker,
            verifier=self.worker,
            updater=self.worker,
            gatherer=self.worker,
        )
        self.errands = Errands(hands=hands, clock=self.clock, spool=spool)

    async def finished(self, effect: Errand) -> Failure | None:
        """Run *effect* to its end."""
        before = len(self.ends())
        self.errands.take(effect)
        await until(lambda: len(self.ends()) > before)
        assert self.ends()[-1].ticket == effect.ticket
        return self.ends()[-1].failure

    def ends(self) -> list[JobFinished]:
        return [one for one in self.posted if isinstance(one, JobFinished)]


@asynccontextmanager
async def site(directory: Path) -> AsyncIterator[Site]:
    made = Site(directory / "spool")
    running = asyncio.ensure_future(made.errands.run(made.posted.append))
    try:
        yield made
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_an_update_is_fetched_and_installed(tmp_path: Path) -> None:
    """The image goes from one errand to the next and is gone afterwards."""
    async with site(tmp_path) as here:
        assert await here.finished(FETCH) is None
        assert await here.finished(Install(ticket=3)) is None
    assert here.worker.installed == [b"image"]
    assert not (here.spool / IMAGE).exists()


async def test_a_new_image_makes_the_verdict_on_the_old_one_void(tmp_path: Path) -> None:
    """What is recalled after a restart must be of this image."""
    async with site(tmp_path) as here:
        await here.finished(FETCH)
    assert here.worker.forgotten == [IMAGE]


async def test_an_installation_that_was_begun_is_seen_through(tmp_path: Path) -> None:
    """An earlier process verified it; by now the command may have moved the image away."""
    async with site(tmp_path) as here:
        here.worker.begun = True
        assert await here.finished(INSTALL) is None
    assert here.worker.installed == [None]


async def test_progress_is_told_once_a_second(tmp_path: Path) -> None:
    """A fast line must not flood the core."""
    async with site(tmp_path) as here:
        await here.finished(FETCH)
    told = [one.done_bytes for one in here.posted if isinstance(one, JobProgressed)]
    assert told == [1500]


async def test_a_log_is_gathered_delivered_and_removed(tmp_path: Path) -> None:
    """Nothing stays in the spool."""
    async with site(tmp_path) as here:
        assert await here.finished(UPLOAD) is None
    assert here.worker.delivered == [(b"DiagnosticsLog", "ftp://x/logs", "log.gz")]
    assert list(here.spool.iterdir()) == []


@pytest.mark.parametrize(
    ("refusal", "failure"),
    [
        (TransferFailed("denied", "no"), Failure.DENIED),
        (InstallFailed("no"), Failure.OTHER),
        (OSError("disk full"), Failure.OTHER),
    ],
)
async def test_a_refusal_is_an_answer(refusal: OSError, failure: Failure, tmp_path: Path) -> None:
    """The core hears every end, with its kind."""
    async with site(tmp_path) as here:
        here.worker.refusal = refusal
        assert await here.finished(UPLOAD) is failure
    assert list(here.spool.iterdir()) == []


async def test_an_image_that_is_gone_cannot_be_installed(tmp_path: Path) -> None:
    """Somebody emptied the spool."""
    async with site(tmp_path) as here:
        assert await here.finished(Install(ticket=3)) is Failure.OTHER
    assert here.worker.installed == []


async def test_a_sealed_image_is_verified_and_verified_again(tmp_path: Path) -> None:
    """L01: what its maker signed is kept, and installed."""
    async with site(tmp_path) as here:
        await here.finished(FETCH)
        assert await here.finished(VERIFY) is None
        assert await here.finished(INSTALL) is None
    assert here.worker.installed == [b"image"]


async def test_an_untrusted_image_is_deleted(tmp_path: Path) -> None:
    """TC_081: nothing of it stays."""
    async with site(tmp_path) as here:
        here.worker.trusts = b"another"
        await here.finished(FETCH)
        assert await here.finished(VERIFY) is Failure.UNTRUSTED
    assert list(here.spool.iterdir()) == []


async def test_an_image_swapped_since_it_was_verified_is_not_installed(tmp_path: Path) -> None:
    """A power cut and somebody's hands lie between: the bytes that are installed are looked at."""
    async with site(tmp_path) as here:
        await here.finished(FETCH)
        assert await here.finished(VERIFY) is None
        put(here.spool / IMAGE, b"swapped")
        assert await here.finished(INSTALL) is Failure.UNTRUSTED
    assert here.worker.installed == []
    assert list(here.spool.iterdir()) == []


async def test_an_image_that_nobody_could_verify_is_not_installed(tmp_path: Path) -> None:
    """No proof is no proof, whatever the reason."""
    async with site(tmp_path) as here:
        await here.finished(FETCH)
        here.worker.refusal = InstallFailed("the child died")
        assert await here.finished(VERIFY) is Failure.OTHER
        assert await here.finished(INSTALL) is Failure.OTHER
    assert here.worker.installed == []


async def test_an_end_amid_a_proof_keeps_the_image(tmp_path: Path) -> None:
    """The next process verifies it anew."""
    async with site(tmp_path) as here:
        await here.finished(FETCH)
        here.worker.hold.clear()
        here.errands.take(VERIFY)
        await until(lambda: here.worker.asked == 2)
    assert read(here.spool / IMAGE) == b"image"


async def test_an_abandoned_errand_ends_without_a_word(tmp_path: Path) -> None:
    """Running or not begun yet: nobody waits for it, and the next one runs."""
    async with site(tmp_path) as here:
        here.worker.hold.clear()
        here.errands.take(UPLOAD)
        await until(lambda: list(here.spool.glob("upload-*")) != [])
        here.errands.take(Abandon(ticket=2))
        here.errands.take(Abandon(ticket=1))
        here.errands.take(FETCH)
        here.worker.hold.set()
        assert await here.finished(Fetch(ticket=4, location="https://x/new")) is None
    assert [one.ticket for one in here.ends()] == [4]
    assert here.worker.delivered == []


@pytest.mark.parametrize(("which", "effect"), [("download", FETCH), ("install", Install(ticket=3))])
async def test_the_bay_s_wish_is_granted_once(
    which: str, effect: Fetch | Install, tmp_path: Path
) -> None:
    """Hook `fail.firmware`."""
    async with site(tmp_path) as here:
        await here.finished(FETCH)
        here.errands.fail_next = which
        assert await here.finished(effect) is Failure.OTHER
        assert not here.errands.fail_next
        assert await here.finished(effect) is None

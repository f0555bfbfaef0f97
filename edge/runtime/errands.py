"""Runs what takes long: downloads, uploads, proofs, installations, each in a task of its own.

One errand per ticket, which can be stopped; `JobFinished` ends it, `JobProgressed` tells now and
then how far it is.
The files lie in a spool of their own, whose names do not come from outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from edge.core.effects import Abandon, Fetch, Install, Upload, VerifyImage
from edge.core.events import Failure, JobFinished, JobProgressed
from edge.core.work import Seal
from edge.errors import DriverError, ImageUntrusted, InstallFailed, TransferFailed
from edge.ports import Clock, Gatherer, Post, Transfer, Updater, Verifier

TELL_EVERY_S: Final = 1.0
IMAGE: Final = "firmware.bin"

log = structlog.get_logger()

Errand = Fetch | Upload | VerifyImage | Install


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """Who does the work."""

    transfer: Transfer
    verifier: Verifier
    updater: Updater
    gatherer: Gatherer


class Errands:
    """Takes errands from the beats and runs them; *fail_next* is the simulated bay's wish."""

    def __init__(self, *, hands: Hands, clock: Clock, spool: Path) -> None:
        self.fail_next: str | None = None
        self._hands = hands
        self._clock = clock
        self._spool = spool
        self._new: asyncio.Queue[Errand] = asyncio.Queue()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._abandoned: set[int] = set()

    def take(self, effect: Errand | Abandon) -> None:
        """Begin an errand, or stop one; returns at once."""
        if not isinstance(effect, Abandon):
            self._new.put_nowait(effect)
        elif effect.ticket in self._running:
            self._running[effect.ticket].cancel()
        else:
            self._abandoned.add(effect.ticket)

    async def run(self, post: Post) -> None:
        """Work until cancelled."""
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with asyncio.TaskGroup() as group:
            while True:
                errand = await self._new.get()
                if errand.ticket in self._abandoned:
                    self._abandoned.discard(errand.ticket)
                    continue
                name = f"{type(errand).__name__}-{errand.ticket}"
                task = group.create_task(self._do(errand, post), name=name)
                self._running[errand.ticket] = task

    async def _do(self, errand: Errand, post: Post) -> None:
        kind = type(errand).__name__
        log.info("errand_begun", kind=kind, ticket=errand.ticket)
        failure: Failure | None = None
        try:
            await _DEEDS[type(errand)](self, errand, post)
        except TransferFailed as error:
            failure = Failure(error.kind)
            log.warning("errand_failed", kind=kind, ticket=errand.ticket, why=str(error))
        except ImageUntrusted as error:
            failure = Failure.UNTRUSTED
            log.warning("errand_failed", kind=kind, ticket=errand.ticket, why=str(error))
        except OSError as error:
            failure = Failure.OTHER
            log.warning("errand_failed", kind=kind, ticket=errand.ticket, why=str(error))
        else:
            log.info("errand_done", kind=kind, ticket=errand.ticket)
        finally:
            self._running.pop(errand.ticket, None)
        post(JobFinished(at=self._clock.now(), ticket=errand.ticket, failure=failure))

    async def _fetch(self, errand: Fetch, post: Post) -> None:
        if self._is_to_fail("download"):
            raise TransferFailed("other", "the simulated bay was told to fail this download")
        await self._hands.updater.forget(self._spool / IMAGE)
        progress = self._teller(errand.ticket, post)
        await self._hands.transfer.fetch(errand.location, self._spool / IMAGE, progress)

    async def _verify(self, errand: VerifyImage, _post: Post) -> None:
        await self._check(errand.seal, errand.roots)

    async def _check(self, seal: Seal, roots: Sequence[str]) -> None:
        """What is not proven to be of its maker is deleted."""
        image = self._spool / IMAGE
        try:
            await self._hands.verifier.verify(image, seal, roots, self._clock.now().wall)
        except DriverError:
            image.unlink(missing_ok=True)
            raise

    async def _install(self, errand: Install, _post: Post) -> None:
        image = self._spool / IMAGE
        if self._is_to_fail("install"):
            raise InstallFailed("the simulated bay was told to fail this installation")
        if not self._hands.updater.has_begun(image):
            if not image.is_file():
                raise InstallFailed(f"{image} is gone: have it downloaded again")
            if errand.seal is not None:
                await self._check(errand.seal, errand.roots)
        await self._hands.updater.install(image)
        image.unlink(missing_ok=True)

    async def _upload(self, errand: Upload, post: Post) -> None:
        source = self._spool / f"upload-{errand.ticket}"
        try:
            await self._hands.gatherer.gather(errand.log_type, source, errand.oldest, errand.latest)
            progress = self._teller(errand.ticket, post)
            await self._hands.transfer.deliver(source, errand.location, errand.file_name, progress)
        finally:
            source.unlink(missing_ok=True)

    def _is_to_fail(self, what: str) -> bool:
        is_it = self.fail_next == what
        if is_it:
            self.fail_next = None
        return is_it

    def _teller(self, ticket: int, post: Post) -> Callable[[int], None]:
        last_s = self._clock.now().monotonic

        def tell(done_bytes: int) -> None:
            nonlocal last_s
            now = self._clock.now()
            if now.monotonic >= last_s + TELL_EVERY_S:
                last_s = now.monotonic
                post(JobProgressed(at=now, ticket=ticket, done_bytes=done_bytes))

        return tell


_DEEDS: Final[dict[type, Callable[[Errands, Any, Post], Awaitable[None]]]] = {
    Fetch: Errands._fetch,  # noqa: SLF001  our own, one line above
    Upload: Errands._upload,  # noqa: SLF001  our own
    VerifyImage: Errands._verify,  # noqa: SLF001  our own
    Install: Errands._install,  # noqa: SLF001  our own
}

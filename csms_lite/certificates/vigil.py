"""Watches over our own certificates: a renewed one is taken up, one that ends is told of.

A renewal holds for connections made from then on; those that are open keep theirs. What cannot be
used leaves the old one in place. Each warning (60, 30, 7 days, over) is told once per start: a log
line, and a change of the kind `alert`, which streams and webhooks carry.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import structlog

from csms_lite.clock import Clock, rfc3339
from csms_lite.ending import OVER, days_left, stage
from csms_lite.errors import CsmsError, SettingsError
from csms_lite.settings import Settings
from csms_lite.tls import named, server_context

EVERY_S: Final = 10.0  # how late a renewed certificate may be taken up
RENEW: Final = "renew it in time: chargers refuse a certificate that is over"

Note = Callable[[str, dict[str, Any]], Awaitable[None]]

log = structlog.get_logger(__name__)


class Held(NamedTuple):
    """One file of certificates: what it is for, and when the first in it ends."""

    name: str
    not_after_ms: int


class Vigil:
    """Looks at the files that *settings* name; *contexts* are those that listen."""

    def __init__(
        self, settings: Settings, clock: Clock, note: Note, contexts: Sequence[ssl.SSLContext]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._note = note
        self._contexts = contexts
        self._told: dict[str, int] = {}
        self._stamp: tuple[tuple[str, int, int], ...] | None = None
        self.found: tuple[Held, ...] = ()
        """What was read last."""

    async def watch_on(self, stopping: asyncio.Event) -> None:
        """Look until *stopping* is set."""
        while not stopping.is_set():
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await stopping.wait()

    async def look(self) -> None:
        """Look once: take up what was renewed, tell what ends."""
        stamp = self._stamp_now()
        if stamp != self._stamp:
            self._take_up()  # at the first look too: it may have been renewed since the start
            self._stamp = stamp
            self.found = tuple(self._read())
        for one in self.found:
            await self._tell(one)

    def _stamp_now(self) -> tuple[tuple[str, int, int], ...]:
        """What changes with the files: their inodes and times."""
        stamps = []
        for name, path in (*named(self._settings), ("tls_key", self._settings.tls_key)):
            with suppress(OSError):
                if path is not None:
                    about = path.stat()
                    stamps.append((name, about.st_ino, about.st_mtime_ns))
        return tuple(stamps)

    def _take_up(self) -> None:
        """Have connections from now on meet the new certificate; trusted roots only grow."""
        settings = self._settings
        certificate, key = settings.tls_certificate, settings.tls_key
        if certificate is None or not self._contexts:
            return
        try:
            server_context(certificate, key, settings.client_ca)  # a trial: half a file harms none
            for context in self._contexts:
                context.load_cert_chain(certificate, key)
                if settings.client_ca is not None and context.verify_mode != ssl.CERT_NONE:
                    context.load_verify_locations(cafile=settings.client_ca)
        except (SettingsError, OSError) as failure:
            log.warning("certificate_not_taken_up", error=str(failure), do="the old one is shown")
        else:
            log.info("certificate_taken_up", certificate=str(certificate))

    def _read(self) -> list[Held]:
        found: list[Held] = []
        for name, path in named(self._settings):
            from csms_lite.certificates.expiry import first_end_ms  # X.509 only where there is any

            try:
                found.append(Held(name, first_end_ms(path)))
            except SettingsError as failure:
                log.warning("certificate_unreadable", certificate=name, error=str(failure))
        return found

    async def _tell(self, one: Held) -> None:
        now_ms = self._clock.now_ms()
        due = stage(one.not_after_ms, now_ms)
        if due is None:
            self._told.pop(one.name, None)
            return
        if self._told.get(one.name) == due:
            return
        self._told[one.name] = due
        left = days_left(one.not_after_ms, now_ms)
        ends = rfc3339(one.not_after_ms)
        say = log.error if due == OVER else log.warning
        say("certificate_ends", certificate=one.name, not_after=ends, days_left=left, do=RENEW)
        details = {"kind": "certificate", "certificate": one.name, "not_after": ends}
        try:
            await self._note("alert", {**details, "days_left": left})
        except CsmsError as failure:
            del self._told[one.name]  # told again at the next look
            log.warning("alert_not_kept", error=str(failure))

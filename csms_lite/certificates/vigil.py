"""Watches over our own certificates: a renewed one is taken up, one that ends is told of.

A renewal holds for connections made from then on; those that are open keep theirs. What cannot be
used leaves the old one in place. Each warning (60, 30, 7 days, over) is an alert of no charger,
which a renewed certificate closes, and once per start a line in the log.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import structlog

from csms_lite.alerts.rules import CERTIFICATE
from csms_lite.alerts.service import keep_own
from csms_lite.clock import Clock, rfc3339
from csms_lite.ending import OVER, days_left, stage
from csms_lite.errors import CsmsError, SettingsError
from csms_lite.settings import Settings
from csms_lite.store.writer import Store
from csms_lite.tls import named, server_context

EVERY_S: Final = 10.0  # how late a renewed certificate may be taken up
RENEW: Final = "renew it in time: chargers refuse a certificate that is over"

log = structlog.get_logger(__name__)


class Held(NamedTuple):
    """One file of certificates: what it is for, and when the first in it ends."""

    name: str
    not_after_ms: int


class Warned(NamedTuple):
    """The warning that is due for a certificate."""

    not_after_ms: int
    within_days: int


class Outlook(NamedTuple):
    """What the alerts are to say: which warnings are due, by name, and of what nothing is known."""

    due: dict[str, Warned]
    unread: frozenset[str]


class Vigil:
    """Looks at the files that *settings* name; *contexts* are those that listen."""

    def __init__(
        self, settings: Settings, store: Store, clock: Clock, contexts: Sequence[ssl.SSLContext]
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._contexts = contexts
        self._told: Outlook | None = None
        """What the alerts say; `None` before the first look: another process left them."""
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
        now_ms = self._clock.now_ms()
        outlook = self._outlook(now_ms)
        if outlook != self._told:
            await self._tell(outlook, now_ms)

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

    def _outlook(self, now_ms: int) -> Outlook:
        due = {
            one.name: Warned(one.not_after_ms, within_days)
            for one in self.found
            if (within_days := stage(one.not_after_ms, now_ms)) is not None
        }
        read = {one.name for one in self.found}
        unread = frozenset(name for name, _ in named(self._settings) if name not in read)
        return Outlook(due, unread)

    async def _tell(self, outlook: Outlook, now_ms: int) -> None:
        logged = {} if self._told is None else self._told.due
        for name, one in outlook.due.items():
            if logged.get(name) == one:
                continue
            left = days_left(one.not_after_ms, now_ms)
            say = log.error if one.within_days == OVER else log.warning
            ends = rfc3339(one.not_after_ms)
            say("certificate_ends", certificate=name, not_after=ends, days_left=left, do=RENEW)
        wrong = {
            name: {"not_after": rfc3339(one.not_after_ms), "within_days": one.within_days}
            for name, one in outlook.due.items()
        }
        try:
            await self._store.do(keep_own, CERTIFICATE, wrong, outlook.unread, now_ms)
        except CsmsError as failure:
            log.warning("alert_not_kept", error=str(failure))  # and told again at the next look
        else:
            self._told = outlook

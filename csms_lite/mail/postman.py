"""Carries mails from the outbox to the server, one at a time, and tries again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.message import EmailMessage
from functools import partial
from typing import Final

import structlog

from csms_lite.clock import Clock
from csms_lite.errors import CsmsError, NotSetUp
from csms_lite.mail import service
from csms_lite.mail.rules import Mail, Reply, State, judge
from csms_lite.mail.text import compose
from csms_lite.store.writer import Store
from csms_lite.supervise import endure

LOOK_EVERY_S: Final = 60.0

Send = Callable[[EmailMessage, str], Awaitable[Reply | None]]

log = structlog.get_logger(__name__)


class Postman:
    """The only one who sends; without a server he says so to whoever asks for a mail."""

    def __init__(self, store: Store, clock: Clock, *, send: Send | None, sender: str) -> None:
        self._store = store
        self._clock = clock
        self._send = send
        self._sender = sender
        self._bell = asyncio.Event()
        self._paused_until_ms = 0
        self._alarm: str | None = None

    @property
    def is_set_up(self) -> bool:
        """Whether mails can be sent at all."""
        return self._send is not None

    def check(self) -> None:
        """Raise `NotSetUp` when no mail can be sent, so that nobody waits for one."""
        if self._send is None:
            raise NotSetUp(
                "mail is not set up here: the installer sets TAPWATT_CSMS_SMTP_HOST, "
                "TAPWATT_CSMS_MAIL_FROM and TAPWATT_CSMS_PUBLIC_URL"
            )
        if self._alarm is not None:
            raise NotSetUp("the mail server refuses us: the installer finds why in the log")

    def ring(self) -> None:
        """Say that a mail was put into the outbox."""
        self._bell.set()

    async def deliver_on(self) -> None:
        """Send what is due, for ever; the end of the central system cancels it."""
        while True:
            wait_s = LOOK_EVERY_S
            try:
                await self.deliver_due()
                wait_s = await self._until_next_s()
            except CsmsError as failure:
                log.warning("mail_waits_for_the_store", error=str(failure))
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._bell.wait()
            self._bell.clear()

    async def deliver_due(self) -> None:
        """Send every mail that is due, unless all must wait."""
        while self._send is not None and self._alarm is None:
            now_ms = self._clock.now_ms()
            if now_ms < self._paused_until_ms:
                return
            mail = await self._store.do(service.take_due, now_ms)
            if mail is None:
                return
            await endure(partial(self._try, mail, self._send), "mail_failed", mail=mail.mail_id)

    async def _try(self, mail: Mail, send: Send) -> None:
        await self._settle(mail, await send(compose(mail, self._sender), mail.address))

    async def _settle(self, mail: Mail, reply: Reply | None) -> None:
        now_ms = self._clock.now_ms()
        if reply is None:
            await self._store.do(service.settle, mail.mail_id, State.SENT, reply="", due_ms=now_ms)
            log.info("mail_sent", mail=mail.mail_id, tries=mail.tries)
            return
        verdict = judge(reply, mail, now_ms)
        said = f"{reply.code} {reply.text}"
        log.warning(
            "mail_not_sent",
            mail=mail.mail_id,
            code=reply.code,
            stage=str(reply.stage),
            state=str(verdict.state),
        )
        if verdict.pause_until_ms is not None:
            self._paused_until_ms = verdict.pause_until_ms
        if verdict.is_alarm:
            self._alarm = said
            log.error(
                "mail_stopped",
                code=reply.code,
                stage=str(reply.stage),
                do="check TAPWATT_CSMS_SMTP_USER, _SMTP_PASSWORD and _MAIL_FROM, then start again",
            )
        await self._store.do(  # last: the alarm must stand even if this is not taken
            service.settle,
            mail.mail_id,
            verdict.state,
            reply=said,
            due_ms=verdict.due_at_ms or now_ms,
        )

    async def _until_next_s(self) -> float:
        if self._send is None or self._alarm is not None:
            return LOOK_EVERY_S
        due_ms = await self._store.read(service.next_moment)
        if due_ms is None:
            return LOOK_EVERY_S
        at_ms = max(due_ms, self._paused_until_ms)
        return min(LOOK_EVERY_S, max(0.0, (at_ms - self._clock.now_ms()) / 1000))

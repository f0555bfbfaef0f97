"""Signs what waits, outside the loop: now, and whatever waited when the process last ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from csms_lite.certificates import service
from csms_lite.certificates.rules import SigningRequest
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.errors import CsmsError, Unacceptable
from csms_lite.store.writer import Store
from csms_lite.supervise import endure

if TYPE_CHECKING:
    from csms_lite.certificates.authority import Authority

NAME: Final = "the authority for stations"

log = structlog.get_logger(__name__)


class Notary:
    """Has requests signed one after the other; *ring* is told for which station a command waits."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chance: Chance,
        authority: Authority,
        ring: Callable[[int], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._authority = authority
        self._ring = ring
        self._bell = asyncio.Event()
        self._bell.set()

    def wake(self) -> None:
        """Say that a request came."""
        self._bell.set()

    async def sign_on(self) -> None:
        """Sign until cancelled; what cannot be signed is passed over and told."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            try:
                await self._sign_all()
            except CsmsError as failure:
                log.warning("signing_failed", error=str(failure))

    async def _sign_all(self) -> None:
        after = 0
        while (found := await self._store.read(service.next_waiting, after)) is not None:
            after = found.request_id
            await endure(partial(self._sign, found), "signing_failed", charger=found.charger)

    async def _sign(self, found: SigningRequest) -> None:
        now_ms = self._clock.now_ms()
        try:
            chain = await asyncio.to_thread(
                self._authority.sign,
                found.csr,
                found.charger,
                serial=self._chance.serial(),
                now_ms=now_ms,
            )
        except Unacceptable as fault:
            await self._store.do(service.refused, found.request_id, str(fault), now_ms)
            log.warning("request_not_signed", charger=found.charger, error=str(fault))
            return
        command = await self._store.do(
            service.signed,
            found.request_id,
            chain,
            message_id=self._chance.message_id(),
            asked_by=NAME,
            now_ms=now_ms,
        )
        self._ring(command.station_id)
        log.info("certificate_signed", charger=found.charger)

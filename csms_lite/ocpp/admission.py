"""Who may have a socket: credentials are judged before the upgrade, with tries bounded.

Whoever is refused hears the same: which ids there are is nobody's business. The log and the
station's events know why.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog

from csms_lite.clock import Clock
from csms_lite.ocpp.buckets import Buckets, network_of
from csms_lite.stations import door_service
from csms_lite.stations.door import Door, Entry, HouseRules, Knock, Refusal, Waiting, judge
from csms_lite.stations.service import note
from csms_lite.store.writer import Store

TRIES_PER_ADDRESS: Final = 60  # a yard behind one address, each charger with an old key once
TRIES_PER_ID: Final = 10
AGAIN_PER_ADDRESS_S: Final = 1.0
AGAIN_PER_ID_S: Final = 6.0
REMEMBERED: Final = 4096  # from where stations came last
NOTED_EVERY_S: Final = 600.0  # per station: whoever hammers must not fill the disk

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """What HTTP says to one who is not let in."""

    status: HTTPStatus
    text: str
    retry_after_s: int | None = None


GENERIC: Final = TurnedAway(
    HTTPStatus.UNAUTHORIZED,
    "Give the charger's id as user name and its key as password, or its client certificate, on\n"
    "the security profile that was agreed. An operator sees in the inbox whom we do not know.\n",
)
TOO_OFTEN: Final = TurnedAway(
    HTTPStatus.TOO_MANY_REQUESTS, "Too many tries: wait a minute.\n", retry_after_s=60
)


class Admission:
    """Judges those who knock."""

    def __init__(self, store: Store, clock: Clock, house: HouseRules) -> None:
        self._store = store
        self._clock = clock
        self._house = house
        self._by_address = Buckets(TRIES_PER_ADDRESS, AGAIN_PER_ADDRESS_S)
        self._by_id = Buckets(TRIES_PER_ID, AGAIN_PER_ID_S)
        self._came_from: OrderedDict[str, str] = OrderedDict()
        self._noted: OrderedDict[str, float] = OrderedDict()

    async def judge(self, knock: Knock, address: str) -> Entry | Waiting | TurnedAway:
        """Decide whether somebody from *address* is let in; raises `StoreFailed`."""
        network = network_of(address)
        if not self._may_try(knock.identity, network):
            return TOO_OFTEN
        door = await self._store.read(door_service.door, knock.identity)
        if not self._may_try(knock.identity, network):  # others tried while we looked it up
            return TOO_OFTEN
        verdict = judge(knock, door, self._house)
        if isinstance(verdict, Entry):
            self._remember(knock.identity, network)
            return verdict
        self._count(knock.identity, network)
        if door is None:
            now_ms = self._clock.now_ms()
            await self._store.do(door_service.knocked, knock.identity, address, now_ms)
        if isinstance(verdict, Waiting):
            return verdict
        log.warning("station_refused", charger=knock.identity, address=address, why=verdict.value)
        if door is not None:
            await self._note(knock.identity, door, address, verdict)
        return GENERIC

    def _may_try(self, identity: str, network: str) -> bool:
        """Say whether a try is left.

        A station that comes from where it last came from has tries of its own: nobody else can
        lock it out by guessing in its name, or from behind the same address.
        """
        now = self._clock.monotonic()
        if self._came_from.get(identity) == network:
            return self._by_id.has_token(f"{identity} at home", now)
        is_left = self._by_address.has_token(network, now)
        return is_left and self._by_id.has_token(identity, now)

    def _count(self, identity: str, network: str) -> None:
        now = self._clock.monotonic()
        if self._came_from.get(identity) == network:
            self._by_id.take(f"{identity} at home", now)
            return
        self._by_address.take(network, now)
        self._by_id.take(identity, now)

    def _remember(self, identity: str, network: str) -> None:
        self._came_from[identity] = network
        self._came_from.move_to_end(identity)
        if len(self._came_from) > REMEMBERED:
            self._came_from.popitem(last=False)

    async def _note(self, identity: str, door: Door, address: str, why: Refusal) -> None:
        now = self._clock.monotonic()
        last = self._noted.get(identity)
        if last is not None and now - last < NOTED_EVERY_S:
            return
        self._noted[identity] = now
        self._noted.move_to_end(identity)
        if len(self._noted) > REMEMBERED:
            self._noted.popitem(last=False)
        details = {"address": address, "why": why.value}
        now_ms = self._clock.now_ms()
        await self._store.do(note, door.station_id, "admission_refused", details, now_ms=now_ms)


def credentials(header: str | None) -> tuple[str, bytes] | None:
    """Read user name and password of HTTP Basic (RFC 7617); `None` when they cannot be read."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        plain = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return None
    name, colon, password = plain.partition(b":")
    return (name.decode(errors="replace"), password) if colon else None

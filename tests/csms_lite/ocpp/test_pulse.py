"""The life of a socket: frames and pongs are heard, silence ends it; in a time of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from csms_lite.ocpp.buckets import MOST, Buckets, network_of
from csms_lite.ocpp.pulse import Pulse
from csms_lite.stations.liveness import Patience
from tests.csms_lite.central import running

PATIENCE = Patience(beat_s=60, ping_every_s=0.001)


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def now_ms(self) -> int:
        return int(self.now * 1000)

    def monotonic(self) -> float:
        return self.now


class Deaf:
    """A peer whose pongs a test decides about."""

    def __init__(self, clock: Hands, *, step_s: float, pongs: bool) -> None:
        self._clock = clock
        self._step_s = step_s
        self._pongs = pongs
        self.pings = 0
        self.closed: tuple[int, str] | None = None

    async def ping(self) -> Awaitable[float]:
        self.pings += 1
        self._clock.now += self._step_s
        pong: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        if self._pongs and self.pings < 50:
            pong.set_result(0.01)
        return pong

    async def recv(self) -> str:
        return "[]"

    async def send(self, _message: str, /) -> None:
        raise NotImplementedError

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = (code, reason)


@pytest.mark.parametrize(("pongs", "pings"), [(False, 16), (True, 49 + 16)])
async def test_a_silent_socket_is_closed_and_pongs_keep_it(pongs: bool, pings: int) -> None:
    """B39: 300 s of silence at a ping every 20 s; while pongs come it is not silent."""
    clock = Hands()
    peer = Deaf(clock, step_s=20, pongs=pongs)
    heard: list[int] = []
    pulse = Pulse(peer, clock, PATIENCE, lambda: heard.append(1))
    async with asyncio.timeout(5):
        await pulse.keep(ConnectionError)
    assert peer.closed is not None
    assert peer.closed[0] == 1011
    assert peer.pings == pings
    assert len(heard) == (49 if pongs else 0)


async def test_any_frame_is_a_sign_of_life() -> None:
    """Not only calls: garbage too comes from somebody who is there."""
    heard: list[int] = []
    pulse = Pulse(Deaf(Hands(), step_s=0, pongs=False), Hands(), PATIENCE, lambda: heard.append(1))
    assert await pulse.recv() == "[]"
    assert heard == [1]


async def test_pongs_of_a_real_socket_are_heard(tmp_path: Path) -> None:
    """A charger that says nothing but answers pings is there."""
    async with running(tmp_path, ping_every_s=0.02) as central, central.station() as charger:
        await charger.boot()
        seen = await central.get("/api/chargers/CP-1")
        assert seen["connection_state"] == "CONNECTED"
        async with asyncio.timeout(5):
            while (await central.get("/api/chargers/CP-1"))["heard_at"] == seen["heard_at"]:
                pass


async def test_a_closed_socket_ends_the_pings() -> None:
    """What the library raises is the end, not an error."""

    class Gone(Deaf):
        async def ping(self) -> Awaitable[float]:
            raise ConnectionResetError("gone")

    peer = Gone(Hands(), step_s=0, pongs=False)
    await Pulse(peer, Hands(), PATIENCE, lambda: None).keep(ConnectionResetError)
    assert peer.closed is None
    assert issubclass(ConnectionClosed, Exception)


def test_tries_come_back_with_time() -> None:
    """A bucket of three, one more every two seconds."""
    tries = Buckets(3, 2.0)
    for _ in range(3):
        assert tries.has_token("x", 0)
        tries.take("x", 0)
    assert not tries.has_token("x", 1.9)
    assert tries.has_token("y", 0)
    assert tries.has_token("x", 2)
    tries.take("x", 2)
    assert not tries.has_token("x", 3.9)
    tries.take("x", 1000)
    assert tries._level("x", 1000) == 2


def test_buckets_are_bounded() -> None:
    """Many addresses fill no memory."""
    tries = Buckets(3, 2.0)
    for number in range(MOST + 50):
        tries.take(str(number), 0)
    assert len(tries._left) == MOST
    assert tries._level("0", 0) == 3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
    ],
)
def test_an_ipv6_network_is_one_caller(address: str, network: str) -> None:
    """Whoever has one address of it has all."""
    assert network_of(address) == network

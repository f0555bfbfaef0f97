"""The bus over a real socket: what came too late, or in pieces, dies with its connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from edge.drivers.modbus import ModbusBus, TcpSettings, open_tcp
from edge.errors import BusLost, MeterImplausible, MeterSilent
from tests.drivers.rigs import rig

TIMEOUT_S = 0.15
VOLTS, ENERGY = 0x0000, 0x0048
VALUES = {VOLTS: (0x4366, 0x0000), ENERGY: (0x4145, 0x70A4)}  # 230.0 V, 12.34 kWh


class TcpWire:
    """A Modbus TCP peer that answers, is late, or says nothing."""

    def __init__(self) -> None:
        self.delays: list[float | None] = []
        self.connections = 0
        self.answers = 0
        self.asked = 0
        self.refuses_with: int | None = None
        self.cuts_off = 0
        """So many bytes are missing at the end of a frame, which is then sent again."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readexactly(12)
                self.asked += 1
                delay_s = self.delays.pop(0) if self.delays else 0.0
                if delay_s is None:
                    continue
                address = int.from_bytes(head[8:10], "big")
                count = int.from_bytes(head[10:12], "big")
                words = (VALUES[address] + (0,) * count)[:count]
                body = bytes((head[6], head[7], 2 * count))
                body += b"".join(word.to_bytes(2, "big") for word in words)
                if self.refuses_with is not None:
                    body = bytes((head[6], head[7] | 0x80, self.refuses_with))
                frame = head[:4] + len(body).to_bytes(2, "big") + body
                asyncio.get_running_loop().call_later(delay_s, self._answer, writer, frame)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter, frame: bytes) -> None:
        self.answers += 1
        if self.cuts_off:
            writer.write(frame[: -self.cuts_off])
        writer.write(frame)


@asynccontextmanager
async def tcp() -> AsyncIterator[tuple[ModbusBus, TcpWire]]:
    wire = TcpWire()
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = TcpSettings(host="127.0.0.1", port=port, timeout_s=TIMEOUT_S)
    try:
        async with open_tcp(settings, rig(), 0) as bus:
            yield bus, wire
    finally:
        server.close()


async def test_a_tcp_meter_that_says_nothing_costs_its_connection() -> None:
    """A black hole stays `connected` for pymodbus; dialling again is the drain."""
    async with tcp() as (bus, wire):
        wire.delays = [None]
        with pytest.raises(MeterSilent):
            await bus.read(1, 4, VOLTS, 2)
        assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]
        assert wire.connections == 2


async def test_a_late_tcp_reply_never_answers_the_next_request() -> None:
    """It dies with its connection."""
    async with tcp() as (bus, wire):
        wire.delays = [1.5 * TIMEOUT_S]
        with pytest.raises(MeterSilent):
            await bus.read(1, 4, VOLTS, 2)
        assert wire.answers == 0
        wire.delays = [TIMEOUT_S * 0.7]  # this question is open while the late reply goes out
        assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]
        assert wire.answers == 2
        assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]


@pytest.mark.parametrize("code", [0x0A, 0x0B])
async def test_a_gateways_word_for_a_silent_unit_is_silence(code: int) -> None:
    """It counts as a miss: the unit is left alone like one on our own line."""
    async with tcp() as (bus, wire):
        wire.refuses_with = code
        for _ in range(3):
            with pytest.raises(MeterSilent, match="no answer from unit 1"):
                await bus.read(1, 4, VOLTS, 2)
        with pytest.raises(MeterSilent, match=r"unit 1 on .* is silent"):
            await bus.read(1, 4, VOLTS, 2)
        assert wire.asked == 3


async def test_half_a_tcp_frame_is_never_made_whole_by_the_next() -> None:
    """TCP has no checksum: what is not exactly one reply costs the connection."""
    async with tcp() as (bus, wire):
        wire.cuts_off = 2
        with pytest.raises(MeterImplausible, match="more than one reply"):
            await bus.read(1, 4, ENERGY, 2)
        wire.cuts_off = 0
        assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]
        assert wire.connections == 2


async def test_a_tcp_peer_that_is_not_there_is_told() -> None:
    """Connection refused."""
    async with open_tcp(TcpSettings(host="127.0.0.1", port=9), rig(), 0) as bus:
        with pytest.raises(BusLost, match=r"127\.0\.0\.1:9 cannot be opened"):
            await bus.read(1, 4, VOLTS, 2)

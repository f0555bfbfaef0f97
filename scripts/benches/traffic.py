"""`traffic`: what the line to the central system carries, bit by bit, without and with cars.

The real daemon dials csms_lite by wss through a relay on the loopback, which asks the kernel
(TCP_INFO) how many bytes and segments went each way; each segment is counted with the 52 bytes of
its IP and TCP headers, as a mobile operator counts. All intervals are the defaults.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from scripts.benches.parts.bay import noting_bay
from scripts.benches.parts.figures import tell
from scripts.benches.parts.processes import TAPWATT, Central, ready_process, short_directory
from scripts.benches.parts.station import CARDS, SHORT, station
from tests.certificates import authority, signed_by

BAR_BITS: Final = 1000.0  # a second, with two cars: 330 MB a month, the smallest mobile plans
HEADERS: Final = 52  # IPv4 20, TCP 20 and its time stamps 12
TCP_INFO_BYTES: Final = 144
COUNTS: Final = struct.Struct("=QQII")  # bytes_acked, bytes_received, segs_out, segs_in
COUNTS_AT: Final = 120
MINUTE_S: Final = 60.0
MONTH_S: Final = 30 * 24 * 3600
READ_BYTES: Final = 65_536


class Relay:
    """Between station and central system: it carries everything and understands nothing."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._line: socket.socket | None = None
        self._gone = 0  # bytes of lines that have ended

    def carried(self) -> int:
        """Bytes both ways since the beginning, headers included."""
        return self._gone + self._of_line()

    def _of_line(self) -> int:
        if self._line is None:
            return 0
        told = self._line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
        out, received, segments_out, segments_in = COUNTS.unpack_from(told, COUNTS_AT)
        return int(out + received + HEADERS * (segments_out + segments_in))

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one line until either end closes it."""
        self._line = writer.get_extra_info("socket")
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pump(reader, far_writer), name="out")
                tasks.create_task(_pump(far_reader, writer), name="back")
        finally:
            self._gone, self._line = self.carried(), None
            far_writer.close()
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while part := await reader.read(READ_BYTES):
            writer.write(part)
            await writer.drain()
        writer.write_eof()


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Bits per second, and the bytes of a first connection."""

    idle: float
    charging: float
    begin_bytes: int


def main(argv: list[str]) -> int:
    """Measure, print the lines; 1 above the bar."""
    parser = argparse.ArgumentParser(prog="scripts/bench traffic")
    parser.add_argument("--minutes", type=int, default=5, help="of each (default: %(default)s)")
    minutes = parser.parse_args(argv).minutes
    with short_directory() as directory:
        found = asyncio.run(_measure(directory, minutes))
    print(
        f"traffic: to connect, introduce itself and be ready: {found.begin_bytes / 1000:.1f} kB;"
        f" a month without a car: {found.idle * MONTH_S / 8e6:.0f} MB, a month of charging on two"
        f" connectors day and night: {found.charging * MONTH_S / 8e6:.0f} MB"
    )
    figures = f"idle_bit_per_s={found.idle:.0f} charging_bit_per_s={found.charging:.0f}"
    return tell("traffic", figures, f"< {BAR_BITS:.0f}", met=found.charging < BAR_BITS)


async def _measure(directory: Path, minutes: int) -> Carried:
    root = authority()
    here = signed_by(root, "127.0.0.1", hosts=("127.0.0.1",))
    ca_file = directory / "ca.pem"
    ca_file.write_text(root.pem)
    async with (
        _central_system(directory, *here.save(directory, "s")) as central,
        _relayed(central) as (relay, near),
        noting_bay(directory / "b") as bay,
        station(
            directory / "d", bay, near, "TRAFFIC", options=(*SHORT, f"csms.ca_file={ca_file}")
        ) as at,
    ):
        await bay.connector_is(2, status="Available")
        begin_bytes = relay.carried()
        await asyncio.sleep(MINUTE_S)  # until the central system has asked what it asks once
        idle = await _bits(relay, minutes)
        for connector in CARDS:
            await at.start(connector)
            await bay.connector_is(connector, status="Charging")
        charging = await _bits(relay, minutes)
    return Carried(idle=idle, charging=charging, begin_bytes=begin_bytes)


async def _bits(relay: Relay, minutes: int) -> float:
    before = relay.carried()
    await asyncio.sleep(minutes * MINUTE_S)
    return (relay.carried() - before) * 8 / (minutes * MINUTE_S)


@asynccontextmanager
async def _central_system(directory: Path, certificate: Path, key: Path) -> AsyncIterator[Central]:
    """One that speaks TLS on both ports, and lets every card charge."""
    words = ["csms", "run", "--accept-unknown", "--ocpp-port", "0", "--http-port", "0"]
    words += ["--tls-certificate", str(certificate), "--tls-key", str(key)]
    words += ["--state-dir", str(directory / "c")]
    environment = {**os.environ, "TAPWATT_CSMS_ACCESS_POLICY": "open"}
    async with ready_process((TAPWATT, *words), env=environment) as (_, told):
        yield Central(ocpp=told["ocpp"], http=told["http"], token="")


@asynccontextmanager
async def _relayed(central: Central) -> AsyncIterator[tuple[Relay, Central]]:
    """A relay before *central*, and *central* as it is reached by it."""
    port = int(central.ocpp.removesuffix("/ocpp").rsplit(":", 1)[1])
    relay = Relay(port)
    server = await asyncio.start_server(relay.carry, "127.0.0.1", 0)
    near = server.sockets[0].getsockname()[1]
    async with server:
        yield relay, replace(central, ocpp=f"wss://127.0.0.1:{near}/ocpp")

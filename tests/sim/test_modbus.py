"""Simulated meters against real pymodbus clients, RTU over a pty and TCP."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from edge.errors import SimulationError
from edge.sim.modbus import LATE_S, RtuBus, crc16, serve_tcp
from edge.sim.outlet import MeterFault
from edge.sim.registers import (
    MODELS,
    SERIAL,
    Manners,
    MeterModel,
    Refused,
    Register,
    Unit,
    load_model,
)
from edge.sim.world import MeterFace

TIMEOUT_S = 0.15


class Bench:
    """A meter whose face and fault a test may change."""

    def __init__(self, model: str = "sdm120") -> None:
        self.energy_wh = 12345.9
        self.fault = MeterFault.NONE
        self.unit = Unit(load_model(model), self.face, lambda: self.fault)

    def face(self) -> MeterFace:
        return MeterFace(
            energy_wh=self.energy_wh,
            power_w=7360.0,
            voltage_v=(230.0, 231.0, 232.0),
            current_a=(32.0, 0.0, 0.0),
        )


@pytest.fixture
def bench() -> Bench:
    """One SDM120."""
    return Bench()


@asynccontextmanager
async def rtu(
    bench: Bench, *, baud_timing: bool = False, timeout_s: float = TIMEOUT_S
) -> AsyncIterator[Any]:
    bus = RtuBus({1: bench.unit}, baud_timing=baud_timing)
    client = AsyncModbusSerialClient(bus.path, baudrate=9600, timeout=timeout_s, retries=0)
    await client.connect()
    try:
        yield client
    finally:
        client.close()
        bus.close()


@asynccontextmanager
async def tcp(bench: Bench) -> AsyncIterator[Any]:
    async with serve_tcp({1: bench.unit}) as port:
        client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=TIMEOUT_S, retries=0)
        await client.connect()
        try:
            yield client
        finally:
            client.close()


def floats(registers: list[int]) -> list[float]:
    packed = struct.pack(f">{len(registers)}H", *registers)
    return list(struct.unpack(f">{len(registers) // 2}f", packed))


@pytest.mark.parametrize("line", [rtu, tcp])
async def test_a_real_client_reads_the_models_own_registers(bench: Bench, line: Any) -> None:
    """An SDM120 says volts at 0x0000 and kWh at 0x0048, in whole Wh, by function 4."""
    async with line(bench) as client:
        block = await client.read_input_registers(0, count=0x4A, device_id=1)
        values = floats(block.registers)
    assert (values[0], values[3], values[6]) == (230.0, 32.0, 7360.0)
    assert values[-1] == pytest.approx(12.345)


@pytest.mark.parametrize("line", [rtu, tcp])
async def test_wrong_function_and_wrong_address_are_refused(bench: Bench, line: Any) -> None:
    """Exception 1 and exception 2, as a meter answers."""
    pzem = Bench("pzem-004t")
    async with line(pzem) as client:
        function = await client.read_holding_registers(0, count=2, device_id=1)
    async with line(bench) as client:
        address = await client.read_input_registers(0x49, count=2, device_id=1)
    assert (function.exception_code, address.exception_code) == (1, 2)


@pytest.mark.parametrize("line", [rtu, tcp])
async def test_a_meter_in_timeout_does_not_answer(bench: Bench, line: Any) -> None:
    """Silence on RTU, silence on TCP."""
    bench.fault = MeterFault.TIMEOUT
    async with line(bench) as client:
        with pytest.raises(ModbusIOException):
            await client.read_input_registers(0x48, count=2, device_id=1)


async def test_an_unknown_unit_is_silent_on_the_line(bench: Bench) -> None:
    """Nobody answers for an address that nobody has."""
    async with rtu(bench) as client:
        with pytest.raises(ModbusIOException):
            await client.read_input_registers(0x48, count=2, device_id=9)


async def test_a_bad_checksum_is_never_taken_for_a_reading(bench: Bench) -> None:
    """The client drops the frame and the next read is good."""
    bench.fault = MeterFault.CRC
    async with rtu(bench) as client:
        with pytest.raises(ModbusIOException):
            await client.read_input_registers(0x48, count=2, device_id=1)
        bench.fault = MeterFault.NONE
        good = await client.read_input_registers(0x48, count=2, device_id=1)
    assert floats(good.registers) == [pytest.approx(12.345)]


async def test_tcp_says_gateway_error_where_rtu_would_garble(bench: Bench) -> None:
    """TCP has no checksum of its own."""
    bench.fault = MeterFault.CRC
    async with tcp(bench) as client:
        refused = await client.read_input_registers(0x48, count=2, device_id=1)
    assert refused.exception_code == 0x0B


async def test_a_late_reply_reaches_the_line_after_the_master_gave_up(bench: Bench) -> None:
    """The stale frame is there to be mistaken: drivers must guard against it."""
    bench.fault = MeterFault.LATE
    async with rtu(bench, timeout_s=LATE_S * 0.6) as client:
        with pytest.raises(ModbusIOException):
            await client.read_input_registers(0x48, count=2, device_id=1)
        bench.fault = MeterFault.TIMEOUT
        stale = await client.read_input_registers(0x00, count=2, device_id=1)
    assert floats(stale.registers) == [pytest.approx(12.345)]


async def test_line_timing_delays_the_reply_by_its_bytes(bench: Bench) -> None:
    """8 bytes there and 9 back at 9600 baud take 17 x 11 / 9600 s and a turnaround."""
    loop = asyncio.get_running_loop()
    async with rtu(bench, baud_timing=True) as client:
        begun = loop.time()
        await client.read_input_registers(0x48, count=2, device_id=1)
        took_s = loop.time() - begun
    assert took_s >= 17 * 11 / 9600 + 0.005


def test_a_meter_publishes_once_per_refresh_time(bench: Bench) -> None:
    """Between two publications the register stands still, as on a real SDM120."""
    first = bench.unit.read(4, 0x48, 2, 0.0)
    bench.energy_wh = 20000.0
    assert bench.unit.read(4, 0x48, 2, 0.9) == first
    assert floats(bench.unit.read(4, 0x48, 2, 1.0)) == [20.0]
    bench.energy_wh = 30000.0
    bench.unit.renew()
    assert floats(bench.unit.read(4, 0x48, 2, 1.1)) == [30.0]


def test_a_stuck_meter_stands_still_and_a_swapped_one_turns_its_words(bench: Bench) -> None:
    """Both are readings that cannot be told from good ones by their frame."""
    good = bench.unit.read(4, 0x48, 2, 0.0)
    bench.fault = MeterFault.STUCK
    bench.energy_wh = 99999.0
    assert bench.unit.read(4, 0x48, 2, 60.0) == good
    bench.fault, bench.energy_wh = MeterFault.SWAPPED, 12345.9
    assert bench.unit.read(4, 0x48, 2, 120.0) == good[::-1]


def test_integer_registers_never_show_more_than_was_counted() -> None:
    """A register of 100 Wh steps shows whole steps, low word first where the model says so."""
    register = Register(address=0, type="i32", scale=100.0, little=True)
    assert register.pack(12399.0) == (123, 0)
    assert register.pack(12399.0, swapped=True) == (0, 123)
    assert Register(address=0, type="u64", scale=10.0).pack(70000.0)[-1] == 7000
    assert Register(address=0, type="i16", scale=0.1).pack(-230.0) == (0xF6FC + 8,)


def test_every_model_file_can_be_simulated() -> None:
    """Each file of the driver gives a register image."""
    models = [load_model(path.stem) for path in MODELS.glob("*.toml")]
    assert models
    for model in models:
        assert isinstance(model, MeterModel)
        assert model.image(Bench().face())


@pytest.mark.parametrize("line", [rtu, tcp])
async def test_a_meter_says_which_one_it_is(bench: Bench, line: Any) -> None:
    """Model code and serial number, by function 3."""
    async with line(bench) as client:
        marks = await client.read_holding_registers(0xFC00, count=3, device_id=1)
    assert marks.registers == [SERIAL >> 16, SERIAL & 0xFFFF, 0x0020]


def test_a_strict_meter_refuses_its_holes_and_what_is_too_long(bench: Bench) -> None:
    """Exceptions 2 and 3; between its registers a tolerant one shows zeros."""
    strict = Unit(
        bench.unit.model,
        bench.face,
        lambda: MeterFault.NONE,
        manners=Manners(longest=4, has_holes=True),
    )
    assert bench.unit.read(4, 0, 4, 0.0)[2:] == [0, 0]
    with pytest.raises(Refused, match="exception 2"):
        strict.read(4, 0, 4, 0.0)
    with pytest.raises(Refused, match="exception 3"):
        strict.read(4, 0x46, 5, 0.0)
    assert strict.read(4, 0x46, 4, 0.0) == bench.unit.read(4, 0x46, 4, 0.0)


def test_an_unknown_model_names_those_there_are() -> None:
    """The answer says what to choose from."""
    with pytest.raises(SimulationError, match="sdm120"):
        load_model("abacus")


def test_checksum_is_modbus_own() -> None:
    """The textbook frame 01 04 00 48 00 02 ends in F1 DD."""
    assert crc16(bytes.fromhex("010400480002")) == bytes.fromhex("F1DD")

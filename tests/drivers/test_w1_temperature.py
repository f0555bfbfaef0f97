"""A thermometer as the kernel shows it: files of thousandths, of checksums, of nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from edge.core.events import TemperatureRead
from edge.drivers import w1_temperature
from edge.drivers.registry import choose, decode
from edge.drivers.w1_temperature import W1Settings, W1Thermometer, open_thermometer
from edge.errors import ConfigError, SensorSilent
from tests.drivers.rigs import Inbox, rig, running
from tests.waiting import until

DEVICE = "28-0316a2794bff"
GOOD = "a3 01 4b 46 7f ff 0d 10 ce : crc=ce YES\na3 01 4b 46 7f ff 0d 10 ce t=26187\n"
BAD = GOOD.replace("YES", "NO")


class Chip:
    """The files of one chip."""

    def __init__(self, devices: Path) -> None:
        self.devices = devices
        self.place = devices / DEVICE
        self.place.mkdir()

    def say(self, text: str, name: str = "temperature") -> None:
        half = self.place / "half"
        half.write_text(text, encoding="ascii")
        half.replace(self.place / name)

    @property
    def settings(self) -> W1Settings:
        return W1Settings(device=DEVICE, devices=str(self.devices), poll_s=0.1)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Inbox]:
        async with (
            open_thermometer(self.settings, rig(), 2) as thermometer,
            running(thermometer.run) as inbox,
        ):
            yield inbox


@pytest.fixture
def chip(tmp_path: Path) -> Chip:
    return Chip(tmp_path)


async def test_what_the_chip_says_is_posted_again_and_again(chip: Chip) -> None:
    """Thousandths of a degree, below zero too."""
    chip.say("21375\n")
    async with chip.watched() as inbox:
        seen = await inbox.first(TemperatureRead)
        assert (seen.connector, seen.celsius) == (2, 21.375)
        chip.say("-1250\n")
        await inbox.first(TemperatureRead, lambda read: read.celsius == -1.25)


async def test_an_older_kernel_has_another_file(chip: Chip) -> None:
    """Before 5.9: two lines, the checksum first."""
    chip.say(GOOD, "w1_slave")
    async with chip.watched() as inbox:
        assert (await inbox.first(TemperatureRead)).celsius == 26.187


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        (BAD, "w1_slave", "wrong checksum"),
        ("", "temperature", "invalid literal"),
        ("127937\n", "temperature", "127.937"),
        ("-60000\n", "temperature", "-60"),
    ],
)
async def test_safety_15_nonsense_is_silence(chip: Chip, text: str, name: str, why: str) -> None:
    """Safety 15: a broken sensor must not pass for a cold one."""
    chip.say(text, name)
    thermometer = W1Thermometer(chip.settings, rig().clock, 2)
    with pytest.raises(SensorSilent, match=why):
        await thermometer.run(lambda _: None)


async def test_a_chip_that_is_gone_is_silence_with_a_remedy(chip: Chip) -> None:
    """One sentence for the installer; the supervisor tries again."""
    thermometer = W1Thermometer(chip.settings, rig().clock, 2)
    with pytest.raises(SensorSilent, match=f"{DEVICE}.*three wires"):
        await thermometer.run(lambda _: None)


async def test_a_bus_that_holds_the_kernel_is_silence(
    chip: Chip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that never ends: the loop goes on, the sensor is missed."""
    monkeypatch.setattr(w1_temperature, "HANGS_S", 0.2)
    os.mkfifo(chip.place / "temperature")  # a read of it waits for a writer
    thermometer = W1Thermometer(chip.settings, rig().clock, 2)
    with pytest.raises(SensorSilent, match="does not let go"):
        await thermometer.run(lambda _: None)
    os.close(os.open(chip.place / "temperature", os.O_RDWR))  # the thread may end


async def test_the_value_before_the_first_measurement_is_not_believed(chip: Chip) -> None:
    """A DS18B20 says 85 °C when its power was away; nearby it may be true."""
    chip.say("85000\n")
    with capture_logs() as logs:

        def ignored() -> int:
            return sum(line["event"] == "power_on_value_ignored" for line in logs)

        async with chip.watched() as inbox:
            await until(lambda: ignored() > 0)
            chip.say("30000\n")
            await inbox.first(TemperatureRead, lambda read: read.celsius == 30.0)
            before = ignored()
            chip.say("85000\n")
            await until(lambda: ignored() > before)
            assert {read.celsius for read in inbox.of(TemperatureRead)} == {30.0}


async def test_85_degrees_near_as_many_are_believed(chip: Chip) -> None:
    """It may burn."""
    chip.say("80000\n")
    async with chip.watched() as inbox:
        await inbox.first(TemperatureRead, lambda read: read.celsius == 80.0)
        chip.say("85000\n")
        await inbox.first(TemperatureRead, lambda read: read.celsius == 85.0)


def test_a_chip_is_named_as_the_kernel_names_it() -> None:
    """Family and serial number: no path, and nothing that leaves the bus's directory."""
    for device in ("../28-0316a2794bff", "28-xyz", "28"):
        with pytest.raises(ConfigError, match="device"):
            decode(W1Settings, {"device": device}, "connectors.1.temperature")
    table = {"kind": "w1", "device": DEVICE}
    chosen = choose("temperature", table, "connectors.1.temperature")
    assert isinstance(chosen.settings, W1Settings)
    assert msgspec.structs.asdict(chosen.settings)["devices"] == "/sys/bus/w1/devices"

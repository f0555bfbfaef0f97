"""The real PN532 driver on UART, I2C and SPI against a simulated chip, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gpiozero.pins.mock import MockPin

from edge.drivers.gpio_pins import open_output
from edge.drivers.pn532 import Pn532Settings
from edge.drivers.registry import decode
from edge.errors import ConfigError
from tests.drivers.pn532_far_end import RESET_PIN, Bench, Rot, virtual

WIRES = ("uart", "i2c", "spi")
ALICE, BOB = "04A2B1C3D4E580", "DEADBEEF"
TEN = "04112233445566778899"


@pytest.fixture(params=WIRES)
def bench(request: Any) -> Iterator[Bench]:
    """Each wire in turn."""
    with virtual(Bench(request.param)) as bench:
        yield bench


@pytest.fixture
def held() -> Iterator[Bench]:
    """I2C with its reset line: pulled low, the chip lets the bus go and forgets all."""
    with virtual(Bench("i2c", reset=True)) as bench:

        def watch() -> None:
            pin = bench.pins.pin(RESET_PIN)
            assert isinstance(pin, MockPin)
            if pin.function == "output" and not pin.state:
                bench.far.holds_scl = False
                bench.far.chip.forget()
            bench.time.at(bench.time.now_s + 0.01, watch)

        watch()
        yield bench


@pytest.mark.parametrize("uid", [BOB, ALICE, TEN])
def test_uids_of_every_length_are_read_on_every_wire(bench: Bench, uid: str) -> None:
    """Issue 5.11: 10 bytes too, which the library refuses."""
    bench.tap(uid, 1.0)
    assert bench.run(3) is None
    assert bench.uids() == [uid]


def test_a_card_counts_when_it_comes_and_not_while_it_lies(bench: Bench) -> None:
    """It counts within a quarter of a second, once, and again when it was away."""
    bench.tap(ALICE, 1.0, for_s=5.0)
    bench.tap(ALICE, 6.5)
    began = bench.time.now_s
    assert bench.run(8) is None
    assert bench.uids() == [ALICE, ALICE]
    assert bench.counted[0][0] - began - 1.0 < 0.25


def test_no_card_is_no_silence(bench: Bench) -> None:
    """An hour without anybody: the chip says so itself, look by look, and rests are kept."""
    assert bench.run(3600) is None
    assert bench.counted == []
    assert bench.far.calls < 3600 * 400


def test_a_chip_that_heeds_no_limit_is_an_idle_reader_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks until a card comes; its firmware answers, and a card that left counts again."""
    monkeypatch.setattr(type(bench.far.chip), "gives_up_after_s", None)
    bench.tap(ALICE, 5.0)
    bench.tap(ALICE, 30.0)
    assert bench.run(60) is None
    assert bench.uids() == [ALICE, ALICE]


def test_a_chip_that_lost_power_for_a_moment_is_prepared_anew(bench: Bench) -> None:
    """It has forgotten all and sleeps: cards count again within seconds, nobody is told."""
    bench.time.at(bench.time.now_s + 5, bench.far.chip.forget)
    bench.tap(ALICE, 10.0)
    assert bench.run(15) is None
    assert bench.uids() == [ALICE]


def test_a_dead_chip_is_told_within_seconds_and_works_again_when_it_is_back(bench: Bench) -> None:
    """Silence is told from no card; the next run works."""
    bench.far.rot.is_dead = True
    began = bench.time.now_s
    silence = bench.run(60)
    assert silence is not None
    assert "check power" in str(silence)
    assert bench.time.now_s - began < 6
    bench.far.rot.is_dead = False
    bench.tap(ALICE, 1.0)
    assert bench.run(3) is None
    assert bench.uids() == [ALICE]


def test_a_card_that_lies_while_the_reader_dies_does_not_count_again(bench: Bench) -> None:
    """Complaints 19: left on the reader, it must not stop what it started."""
    bench.far.lay(bytes.fromhex(ALICE))
    bench.time.at(bench.time.now_s + 5, lambda: setattr(bench.far.rot, "is_dead", True))
    assert bench.run(60) is not None
    bench.far.rot.is_dead = False
    assert bench.run(10) is None
    assert bench.uids() == [ALICE]


def test_a_bus_that_is_not_acknowledged_costs_no_spin() -> None:
    """Devices, fact 4: the library asks again at once, 800,000 times a second."""
    with virtual(Bench("i2c")) as bench:
        assert bench.run(1) is None
        calls, began = bench.far.calls, bench.time.now_s
        bench.far.rot = Rot(refused=1.0)
        assert bench.run(60) is not None
        assert (bench.far.calls - calls) / (bench.time.now_s - began) < 400


def test_a_chip_that_holds_sda_lets_go_as_it_is_clocked() -> None:
    """Each attempt clocks the bus at least nine times."""
    with virtual(Bench("i2c")) as bench:
        bench.time.at(bench.time.now_s + 1, lambda: setattr(bench.far, "held_clocks", 27))
        bench.tap(ALICE, 3.0)
        assert bench.run(5) is None
        assert bench.uids() == [ALICE]


def test_a_chip_that_holds_scl_lets_go_by_its_reset_line(held: Bench) -> None:
    """It is pulled when the chip has been silent for a moment; nobody is told."""
    held.time.at(held.time.now_s + 1, lambda: setattr(held.far, "holds_scl", True))
    held.tap(ALICE, 6.0)
    assert held.run(10) is None
    assert held.uids() == [ALICE]
    assert not held.far.holds_scl


def test_without_a_reset_line_a_held_scl_is_told_with_its_remedy() -> None:
    """There is nothing else that a program could do."""
    with virtual(Bench("i2c")) as bench:
        bench.far.holds_scl = True
        silence = bench.run(60)
        assert silence is not None
        assert "reset line" in str(silence)


def test_the_reset_line_is_pulled_at_the_start() -> None:
    """A chip that hangs since before we started is met as a fresh one."""
    with virtual(Bench("uart", reset=True)) as bench:
        assert bench.run(1) is None
        pin = bench.pins.pin(RESET_PIN)
        assert isinstance(pin, MockPin)
        assert [state for _, state in pin.states][:4] == [False, True, False, True]


def test_a_reset_pin_that_is_taken_silences_the_reader_only() -> None:
    """Complaints 18: the daemon goes on without its reader, and says which pin."""
    with (
        virtual(Bench("uart", reset=True)) as bench,
        open_output(RESET_PIN, high=True, pin_factory=bench.pins),
    ):
        silence = bench.run(1)
        assert silence is not None
        assert "GPIO pin 25 cannot be used" in str(silence)


@pytest.mark.parametrize(
    ("table", "remedy"),
    [
        ({"port": "/dev/i2c-1"}, 'interface = "i2c"'),
        ({"port": "/dev/spidev0.0", "interface": "i2c"}, 'interface = "spi"'),
        ({"port": "/dev/ttyS0", "interface": "spi"}, "or a port as /dev/spidev0.0"),
        ({"port": "/dev/ttyS0", "interface": "usb"}, "interface"),
        ({"port": "/dev/ttyS0", "reset": 99}, "reset"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(table: dict[str, Any], remedy: str) -> None:
    """The installer reads what to write instead."""
    with pytest.raises(ConfigError, match=remedy):
        decode(Pn532Settings, table, "readers.0")

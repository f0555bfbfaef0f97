"""Meter models: every bundled map decodes, and raw words become exact quantities."""

from __future__ import annotations

import struct
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers.meter_model import ENERGY, Model, Quantity, Register, blocks, decode, load
from edge.errors import ConfigError, MeterImplausible

HEAD = 'name = "x"\nfunction = 3\nword_order = "big"\nsource = "s"\n'
MODELS = ("em340", "sdm120", "sdm630")


def words(layout: str, value: float) -> tuple[int, ...]:
    """*value* as 16-bit words, high word first."""
    packed = struct.pack(f">{layout}", value)
    return struct.unpack(f">{len(packed) // 2}H", packed)


@pytest.mark.parametrize("model", MODELS)
def test_bundled_models_load_and_name_their_source(model: str) -> None:
    """Where a map comes from is part of it."""
    found = load(model)
    assert found.source
    assert ENERGY in found.registers


@pytest.mark.parametrize("model", MODELS)
def test_blocks_cover_every_register_with_lengths_of_their_own(model: str) -> None:
    """A late reply to one block cannot pass for another's; energy is read last."""
    found = load(model)
    made = blocks(found)
    assert len({block.count for block in made}) == len(made)
    for register in found.registers.values():
        assert any(
            block.address <= register.address
            and register.address + register.words <= block.address + block.count
            for block in made
        )
    energy = found.registers[ENERGY].address
    assert made[-1].address <= energy < made[-1].address + made[-1].count


def test_blocks_of_equal_length_are_made_different() -> None:
    """One register more tells them apart."""
    registers: dict[Quantity, Register] = {
        ENERGY: Register(address=0x100, type="u32"),
        "power_w": Register(address=0x200, type="u32"),
        "frequency_hz": Register(address=0x300, type="f32"),
    }
    model = Model(name="x", function=3, word_order="big", source="test", registers=registers)
    assert sorted(block.count for block in blocks(model)) == [2, 3, 4]
    assert blocks(model)[-1].count == 2


@pytest.mark.parametrize(
    ("kind", "raw", "scale", "expected"),
    [
        ("u16", words("H", 65535), 1, "65535"),
        ("i16", words("h", -5), 0.1, "-0.5"),
        ("u32", words("I", 4_000_000_000), 1, "4000000000"),
        ("i32", words("i", -123456), 0.1, "-12345.6"),
        ("u64", words("Q", 2**63), 10, "92233720368547758080"),
        ("i64", words("q", -1), 1, "-1"),
        ("f32", words("f", 12.34), 1000, "12340"),
        ("f64", words("d", 1.001), 1000, "1001"),
    ],
)
def test_raw_words_become_exact_quantities(
    kind: str, raw: tuple[int, ...], scale: float, expected: str
) -> None:
    """1.001 kWh is 1001 Wh, not 1000 and a rounding error."""
    register = Register(address=0, type=kind, scale=scale)  # type: ignore[arg-type]  # kinds are Literals there
    assert decode(register, raw, "big") == Decimal(expected)
    assert decode(register, raw[::-1], "little") == Decimal(expected)


@given(st.integers(0, 9_999_999))
def test_whole_wh_survive_an_f32_of_kwh(energy_wh: int) -> None:
    """What the meter shows is what is billed, up to the f32's seven digits (10 MWh)."""
    register = Register(address=0, type="f32", scale=1000)
    assert int(decode(register, words("f", energy_wh / 1000), "big")) == energy_wh


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2.4e-41])
def test_what_is_no_measurement_is_refused(value: float) -> None:
    """NaN sentinels, and the tiny numbers that swapped words make."""
    with pytest.raises(MeterImplausible):
        decode(Register(address=0, type="f32"), words("f", value), "big")


def test_a_model_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    """An installer with another meter needs no release of ours."""
    own = tmp_path / "own.toml"
    own.write_text(
        'name = "Own"\nfunction = 3\nword_order = "big"\nsource = "its manual"\n'
        '[registers.energy_import_wh]\naddress = 1\ntype = "u32"\n',
        encoding="utf-8",
    )
    assert load(str(own)).name == "Own"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('name = "x"\n', "missing required field"),
        (
            HEAD + '[registers.power_w]\naddress = 1\ntype = "u32"\n',
            "nothing to bill by",
        ),
        (
            HEAD + '[registers.energy_import_wh]\naddress = 1\ntype = "u33"\n',
            "u33",
        ),
        ("[[", "own.toml"),
    ],
)
def test_a_model_that_makes_no_sense_stops_the_start(
    tmp_path: Path, text: str, complaint: str
) -> None:
    """Better no meter than a wrong one."""
    own = tmp_path / "own.toml"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint):
        load(str(own))

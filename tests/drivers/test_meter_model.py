"""Meter models: every bundled map decodes, and raw words become exact quantities."""

from __future__ import annotations

import struct
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers.meter_model import (
    ENERGY,
    Mark,
    Model,
    Quantity,
    Register,
    blocks,
    bundled,
    decode,
    load,
    say,
    value,
)
from edge.errors import ConfigError, MeterImplausible

ODD = Register(address=0x200, type="i16")
HEAD = 'name = "x"\nfunction = 3\nword_order = "big"\nsource = "s"\n'
MODELS = bundled()


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
    """A late reply to one block cannot pass for another's; energy is read first."""
    found = load(model)
    made = blocks(found)
    assert len({block.count for block in made}) == len(made)
    for quantity, register in found.registers.items():
        covering = [
            block
            for block in made
            if block.address <= register.address
            and register.address + register.words <= block.address + block.count
        ]
        assert [block.function for block in covering] == [found.function]
        assert quantity != ENERGY or covering == [made[0]]


def test_blocks_of_equal_length_are_made_different() -> None:
    """A register more tells them apart, or two where each value has two."""
    registers: dict[Quantity, Register] = {
        ENERGY: Register(address=0x100, type="u32"),
        "power_w": Register(address=0x200, type="u32"),
        "frequency_hz": Register(address=0x300, type="f32"),
    }
    model = Model(name="x", function=3, word_order="big", source="test", registers=registers)
    assert [block.count for block in blocks(model)] == [2, 4, 6]
    odd = msgspec.structs.replace(model, registers=registers | {"power_w": ODD})
    assert [block.count for block in blocks(odd)] == [2, 1, 3]


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
    assert decode(register, words("f", energy_wh / 1000), "big") == energy_wh


@pytest.mark.parametrize("number", [float("inf"), 2.4e-41])
def test_what_is_no_measurement_is_refused(number: float) -> None:
    """Infinity, and the tiny numbers that swapped words make."""
    with pytest.raises(MeterImplausible):
        decode(Register(address=0, type="f32"), words("f", number), "big")


def test_not_a_number_is_not_measured() -> None:
    """It is how a meter says so."""
    assert decode(Register(address=0, type="f32"), words("f", float("nan")), "big") is None


@pytest.mark.parametrize(
    ("kind", "absent", "most"),
    [
        ("u16", (0xFFFF,), 65534),
        ("i16", (0x7FFF,), 32766),
        ("u32", (0xFFFF, 0xFFFF), 2**32 - 2),
        ("i32", (0x7FFF, 0xFFFF), 2**31 - 2),
        ("u64", (0xFFFF,) * 4, 2**64 - 2),
        ("i64", (0x7FFF, *(0xFFFF,) * 3), 2**63 - 2),
    ],
)
@pytest.mark.parametrize("order", ["big", "little"])
def test_the_largest_number_means_absent_where_the_model_says_so(
    kind: str, absent: tuple[int, ...], most: int, order: str
) -> None:
    """And only it does; one so large is else no energy that a register counts."""
    table = {
        "name": "x",
        "function": 3,
        "word_order": order,
        "source": "s",
        "registers": {ENERGY: {"address": 0, "type": kind, "unit": "Wh"}},
    }
    plain = msgspec.convert(table, Model)
    marked = msgspec.structs.replace(plain, most_is_absent=True)
    said = absent if order == "big" else absent[::-1]
    below = (*absent[:-1], absent[-1] - 1)
    next_to_it = below if order == "big" else below[::-1]
    assert value(marked, ENERGY, said) is None
    if kind.endswith("64"):
        for model, told in ((plain, said), (marked, next_to_it)):
            with pytest.raises(MeterImplausible):
                value(model, ENERGY, told)
    else:
        assert value(plain, ENERGY, said) == most + 1
        assert value(marked, ENERGY, next_to_it) == most


@pytest.mark.parametrize("told", [1e13, 2.0**63, 1e30])
def test_a_register_beyond_all_energy_is_implausible(told: float) -> None:
    """Garbage that is finite: it would not fit a journal of 64 bits."""
    with pytest.raises(MeterImplausible, match="energy_import_wh"):
        value(load("sdm120"), ENERGY, words("f", told))


def test_a_frequency_shown_tenfold_is_what_it_means() -> None:
    """Some Eastron meters; what is neither one nor ten times a frequency is refused."""
    model = load("sdm120")
    assert value(model, "frequency_hz", words("f", 499.8)) == Decimal("49.98")
    with pytest.raises(MeterImplausible, match="frequency_hz = 4998"):
        value(model, "frequency_hz", words("f", 4998.0))


@pytest.mark.parametrize(
    ("mark", "raw", "said"),
    [
        (Mark(function=3, address=0, type="u16"), (0x0070,), 0x70),
        (Mark(function=3, address=0, type="u32"), (0x0126, 0x3F22), 19283746),
        (Mark(function=3, address=0, type="text", words=3), (0x4232, 0x3320, 0x0000), "B23"),
        (Mark(function=3, address=0, type="text", words=3), (0x0041, 0x0042, 0x0043), "ABC"),
    ],
)
def test_marks_are_numbers_or_text(mark: Mark, raw: tuple[int, ...], said: int | str) -> None:
    """Text is filled up with zeros or spaces, or has one before each character."""
    assert say(mark, raw) == said


@pytest.mark.parametrize("raw", [(0xFFFF, 0xFFFF), (0x0701, 0x0203)])
def test_a_text_of_no_letters_is_refused(raw: tuple[int, ...]) -> None:
    """Another model keeps something else there."""
    with pytest.raises(MeterImplausible, match="no text"):
        say(Mark(function=3, address=0, type="text", words=2), raw)


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
        (
            HEAD + '[registers.energy_import_wh]\naddress = 1\ntype = "u32"\nunit = "V"\n',
            "cannot be told in V",
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

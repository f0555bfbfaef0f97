"""Production starts only with the protection confirmed, and says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.loading import load
from edge.config.production import MISSING
from edge.errors import ConfigError

PILOT = "pilot_pwm = 12\nvehicle = 23\nready = 24\n"
CONFIRMED = {
    "confirmed_by": '"Jo Fitter"',
    "confirmed_on": "2026-05-31",
    "residual_current": '"type_b"',
    "over_current": '"C16"',
    "emergency_stop": '"none"',
    "coil_rest_open": "true",
    "hang_guard": '"watchdog"',
}


def check(directory: Path, evse: str = PILOT, hardware: str = "real", **keys: str) -> None:
    """Load a configuration for production with these keys."""
    file = directory / "edge.toml"
    said = "\n".join(f"{key} = {value}" for key, value in keys.items())
    file.write_text(
        f'hardware = "{hardware}"\n[installation]\nproduction = true\n{said}\n'
        + (f'[connectors.1.evse]\nkind = "gpio"\ncoil = 17\n{evse}' if hardware == "real" else "")
    )
    load([file])


def test_all_confirmed_starts(tmp_path: Path) -> None:
    """With a pilot, and with a controller."""
    check(tmp_path, **CONFIRMED)


@pytest.mark.parametrize("key", sorted(MISSING))
def test_each_missing_confirmation_is_named_with_its_remedy(tmp_path: Path, key: str) -> None:
    """One sentence for it, and none for the others."""
    rest = {name: value for name, value in CONFIRMED.items() if name != key}
    with pytest.raises(ConfigError) as refused:
        check(tmp_path, **rest)
    _, *lines = str(refused.value).splitlines()
    assert lines == [f"  {key}: {MISSING[key]}"]


def test_safety_03_no_pilot_and_no_plug_sense_is_refused(tmp_path: Path) -> None:
    """Ruling 3: a socket that is live with nothing in it."""
    with pytest.raises(ConfigError, match=r"connectors\.1\.evse: without pilot and plug sense"):
        check(tmp_path, "", **CONFIRMED, outlet='"fixed_cable"')


def test_safety_03_plug_sense_alone_needs_a_declared_outlet(tmp_path: Path) -> None:
    """A fixed cable, or a domestic socket with its shutter and breaker."""
    with pytest.raises(ConfigError, match="may only end in"):
        check(tmp_path, "plug = 22", **CONFIRMED)
    for outlet in ("fixed_cable", "domestic_socket"):
        check(tmp_path, "plug = 22", **CONFIRMED, outlet=f'"{outlet}"')


def test_safety_02_a_confirmed_dead_man_needs_its_pin(tmp_path: Path) -> None:
    """And pins have no controller that would watch them."""
    guarded = CONFIRMED | {"hang_guard": '"dead_man"'}
    with pytest.raises(ConfigError, match="a dead-man needs its pin"):
        check(tmp_path, PILOT, **guarded)
    check(tmp_path, PILOT + "dead_man = 2", **guarded)
    with pytest.raises(ConfigError, match="no controller watches"):
        check(tmp_path, PILOT, **CONFIRMED | {"hang_guard": '"controller"'})


def test_a_simulated_bay_is_no_production(tmp_path: Path) -> None:
    """It serves nobody."""
    with pytest.raises(ConfigError, match="a simulated bay serves nobody"):
        check(tmp_path, hardware="simulated", **CONFIRMED)


def test_without_production_nothing_is_asked(tmp_path: Path) -> None:
    """Who tries it out is warned at each start, not stopped."""
    file = tmp_path / "edge.toml"
    file.write_text('hardware = "real"\n[connectors.1.evse]\nkind = "gpio"\ncoil = 17\n')
    assert not load([file]).installation.production

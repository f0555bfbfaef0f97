"""What a setting is and where that comes from; never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.explaining import explain
from edge.config.loading import load
from edge.errors import ConfigError


def test_explaining_an_ocpp_key_shows_every_layer(tmp_path: Path) -> None:
    """Who has the last word is not to be guessed."""
    file = tmp_path / "edge.toml"
    file.write_text("[ocpp]\nHeartbeatInterval = 60\n", encoding="utf-8")
    lines = explain(load([file], ["ocpp.HeartbeatInterval=10"]), "heartbeatinterval")
    assert any(line.startswith(" * -o") and "'10'" in line for line in lines)
    assert any("edge.toml" in line and "'60'" in line for line in lines)
    assert any("default" in line and "'300'" in line for line in lines)


def test_explaining_a_fact_says_who_knows_it() -> None:
    """What nobody sets has no layers to choose from but the station."""
    lines = explain(load(), "NumberOfConnectors")
    assert lines[0] == "NumberOfConnectors (integer; read, as built): Connectors of this station."
    assert lines[-1] == " * default    '(by the station)'"


def test_the_secret_is_never_explained_with_its_value() -> None:
    """A01.FR.11: not even to who may read the file."""
    key = "0123456789abcdef"
    (line,) = explain(load([], [f"ocpp.AuthorizationKey={key}"]), "AuthorizationKey")
    assert line.startswith("AuthorizationKey (secret; write): ")
    assert key not in line


def test_explaining_a_setting_shows_its_value() -> None:
    """Dotted names reach every table."""
    assert explain(load(), "station.id") == ['station.id = "TAPWATT-1"']
    assert explain(load(), "policy.stop_within_s") == ["policy.stop_within_s = 6.0"]
    with pytest.raises(ConfigError, match="did you mean"):
        explain(load(), "station.idd")

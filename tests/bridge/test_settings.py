"""bridge.toml, key and token: what cannot be used stops the start with one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.bridge.settings import (
    KEY_CREDENTIAL,
    TOKEN_CREDENTIAL,
    find_credentials,
    load,
    refuse_emulators,
)
from edge.bridge.source import MOST_STATIONS
from edge.errors import ConfigError

GOOD = {
    "source": "http://127.0.0.1:8080",
    "database": "https://x.europe-west1.firebasedatabase.app",
    "stations": ["A"],
}


def written(directory: Path, **changes: object) -> Path:
    """A bridge.toml of the good settings and *changes*; `None` leaves one out."""
    file = directory / "bridge.toml"
    told = {name: value for name, value in (GOOD | changes).items() if value is not None}
    file.write_text("".join(f"{name} = {value!r}\n" for name, value in told.items()))
    return file


def test_good_settings_are_read(tmp_path: Path) -> None:
    """One station by its code."""
    settings = load(written(tmp_path), is_dev=False)
    assert (settings.stations, settings.name) == (("A",), "bridge")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sources": "x"}, 'no setting sources \\(did you mean "source"'),
        ({"source": None}, "source"),
        ({"source": "ftp://x"}, "source must be like"),
        ({"source": "http://x/api"}, "without a path"),
        ({"source": "http://me:secret@x"}, "without a path or password"),
        ({"source": "http://x:99999"}, "source must be like"),
        ({"source": "http://[::1"}, "source must be like"),
        ({"database": "https://me:secret@x.firebaseio.com"}, "https:// address"),
        ({"database": "http://127.0.0.1:9000/?ns=x"}, "https:// address"),
        ({"database": "x.firebaseio.com"}, "https:// address"),
        ({"stations": ["A/B"]}, "no code of a station"),
        ({"stations": "A"}, "array"),
        ({"stations": ["A"] * 1001}, "length"),
        ({"name": "a.b"}, "name must be"),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    """With the remedy."""
    with pytest.raises(ConfigError, match=said):
        load(written(tmp_path, **changes), is_dev=False)


@pytest.mark.parametrize(
    "text", [b"source = ", b"\xff\xfe", b"a = " + b"[" * 3000, b"a = " + b"9" * 5000]
)
def test_what_is_no_toml_is_said(tmp_path: Path, text: bytes) -> None:
    """So is a file that is not there."""
    (tmp_path / "bridge.toml").write_bytes(text)
    with pytest.raises(ConfigError, match="no TOML"):
        load(tmp_path / "bridge.toml", is_dev=False)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml", is_dev=False)


def test_a_developer_may_use_a_plain_database(tmp_path: Path) -> None:
    """With --dev only."""
    file = written(tmp_path, database="http://127.0.0.1:9000/?ns=x")
    assert load(file, is_dev=True).database.startswith("http://")


def test_credentials_come_from_systemd_or_from_a_file_of_ones_own(tmp_path: Path) -> None:
    """The file that is named wins."""
    handed = tmp_path / "handed"
    handed.mkdir()
    (handed / KEY_CREDENTIAL).write_text("{}")
    (handed / TOKEN_CREDENTIAL).write_text("secret\n")
    environment = {"CREDENTIALS_DIRECTORY": str(handed)}
    settings = load(written(tmp_path), is_dev=False)
    found = find_credentials(settings, environment, is_dev=False)
    assert (found.key_file, found.token) == (handed / KEY_CREDENTIAL, "secret")
    own = tmp_path / "own.json"
    own.write_text("{}")
    own.chmod(0o600)
    settings = load(written(tmp_path, key_file=str(own)), is_dev=False)
    assert find_credentials(settings, environment, is_dev=False).key_file == own


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """So is one that is missing, but for a developer."""
    key = tmp_path / "key.json"
    key.write_text("{}")
    key.chmod(0o640)
    settings = load(written(tmp_path, key_file=str(key)), is_dev=False)
    with pytest.raises(ConfigError, match="chmod 600"):
        find_credentials(settings, {}, is_dev=False)
    settings = load(written(tmp_path, key_file=str(tmp_path / "none")), is_dev=False)
    with pytest.raises(ConfigError, match="cannot be read"):
        find_credentials(settings, {}, is_dev=False)
    settings = load(written(tmp_path), is_dev=False)
    with pytest.raises(ConfigError, match="key of the service account is missing"):
        find_credentials(settings, {}, is_dev=False)
    assert find_credentials(settings, {}, is_dev=True).key_file is None


def test_without_stations_a_token_is_wanted(tmp_path: Path) -> None:
    """Somebody must say which."""
    settings = load(written(tmp_path, stations=None), is_dev=True)
    with pytest.raises(ConfigError, match="which stations"):
        find_credentials(settings, {}, is_dev=True)


@pytest.mark.parametrize(
    ("source", "may"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost:8080", True),
        ("http://[::1]:8080", True),
        ("https://csms.example", True),
        ("http://192.168.1.4:8080", False),
        ("http://csms.example", False),
    ],
)
def test_a_token_is_never_sent_in_the_clear(tmp_path: Path, source: str, may: bool) -> None:
    """Beyond this machine only by TLS."""
    token = tmp_path / "token"
    token.write_text("secret")
    token.chmod(0o600)
    settings = load(written(tmp_path, source=source, token_file=str(token)), is_dev=True)
    if may:
        assert find_credentials(settings, {}, is_dev=True).token == "secret"
    else:
        with pytest.raises(ConfigError, match="in the clear"):
            find_credentials(settings, {}, is_dev=True)


def test_emulator_variables_are_refused_outside_dev() -> None:
    """With them the library believes unsigned tokens, and sends everything to whoever listens."""
    for name in ("AUTH", "DATABASE", "STORAGE"):
        environment = {f"FIREBASE_{name}_EMULATOR_HOST": "x", "PATH": "/bin"}
        with pytest.raises(ConfigError, match=f"FIREBASE_{name}_EMULATOR_HOST"):
            refuse_emulators(environment, is_dev=False)
        refuse_emulators(environment, is_dev=True)
    refuse_emulators({"PATH": "/bin"}, is_dev=False)


def test_the_unit_lets_it_follow_as_many_as_it_takes() -> None:
    """Each is a file; the database, its certificates and the log want some more."""
    unit = Path(__file__).parents[2] / "systemd/tapwatt-bridge.service"
    found = re.search(r"^LimitNOFILE=(\d+)$", unit.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    assert int(found[1]) >= MOST_STATIONS + 100

"""What cards are called inside, and the key that decides it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.privacy import KEY, Names, known, names
from edge.errors import ConfigError

UID = "04A2B1C3D4E580"
KEYED = Names(key=b"k" * 32)


def test_an_alias_is_an_id_tag_that_no_uid_can_be() -> None:
    """7.4 CiString20, compared without case; a UID is hexadecimal and has no H."""
    alias = KEYED.of(UID)
    assert len(alias) == 20
    assert alias[0] == "H"
    assert alias == alias.upper()
    assert UID[-4:] not in alias
    assert alias == KEYED.of("04:a2:b1:c3:d4:e5:80")
    assert alias != KEYED.of("04A2B1C3D4E581")
    assert alias != Names(key=b"l" * 32).of(UID)
    assert KEYED.of_word(alias) == alias
    assert KEYED.of_word(UID) == alias


def test_without_privacy_mode_a_card_is_called_as_the_reader_calls_it(tmp_path: Path) -> None:
    """Nothing changes, and no key is made."""
    made = names("off", tmp_path)
    assert made.of("04:a2") == "04:a2"
    assert made.ever_of(UID) == (UID,)
    assert not (tmp_path / KEY).exists()


def test_the_key_is_made_once_and_for_our_own_eyes(tmp_path: Path) -> None:
    """The same alias after every restart."""
    first = names("hashed", tmp_path)
    assert names("hashed", tmp_path) == first
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600
    assert known(tmp_path).of(UID) == first.of(UID)


def test_aliases_are_found_after_privacy_mode_was_switched_off(tmp_path: Path) -> None:
    """`export` and `erase` look for what was written in either mode."""
    alias = names("hashed", tmp_path).of(UID)
    off = names("off", tmp_path)
    assert off.of(UID) == UID
    assert off.ever_of("04 a2 b1 c3 d4 e5 80") == ("04 a2 b1 c3 d4 e5 80", UID, alias)


def test_a_key_that_is_none_stops_the_start(tmp_path: Path) -> None:
    """A new key would make strangers of all cards, silently."""
    (tmp_path / KEY).write_bytes(b"short")
    with pytest.raises(ConfigError, match="no key of 32 bytes"):
        names("hashed", tmp_path)
    with pytest.raises(ConfigError, match="first start"):
        known(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot be made"):
        names("hashed", tmp_path / "elsewhere")

"""A backup trusts neither the controller that it asks nor whatever lies where it writes."""

from __future__ import annotations

import argparse
import tarfile
from pathlib import Path
from typing import Any

import pytest

from edge.cli.backup import _backup
from edge.errors import ConfigError


def arguments(folder: Path, *config: Path) -> argparse.Namespace:
    state = folder / "state"
    state.mkdir(exist_ok=True)
    (state / "backup.sqlite3").write_text("a journal")
    return argparse.Namespace(
        file=folder / "b.tar.gz", config=list(config), state_dir=state, json=True
    )


def test_a_controller_out_of_hand_has_no_file_taken_away(tmp_path: Path) -> None:
    """Whoever runs it is root, and removes the copy that he is told of: only in the state."""
    shadow = tmp_path / "shadow"
    shadow.write_text("secret")
    asked = arguments(tmp_path)

    def ask(*_: Any) -> dict[str, Any]:
        return {"path": str(shadow)}

    with pytest.raises(ConfigError, match="no backup was written"):
        _backup(ask, asked)
    assert shadow.read_text() == "secret"
    assert not asked.file.exists()


def test_what_lay_there_before_gets_none_of_the_keys(tmp_path: Path) -> None:
    """A link, or a file that somebody else has open: it is a new one that is written."""
    asked = arguments(tmp_path)
    theirs = tmp_path / "theirs"
    theirs.write_text("")
    asked.file.with_name("b.tar.gz.new").symlink_to(theirs)
    _backup(lambda *_: {"path": str(asked.state_dir / "backup.sqlite3")}, asked)
    assert theirs.read_text() == ""
    assert asked.file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(asked.file) as archive:
        assert archive.getnames() == ["state/journal.sqlite3"]


def test_two_files_of_one_name_are_not_restored_over_each_other(tmp_path: Path) -> None:
    """Both would be config/edge.toml: that is said, and no backup is written that loses one."""
    files = [tmp_path / "a" / "edge.toml", tmp_path / "b" / "edge.toml"]
    for file in files:
        file.parent.mkdir()
        file.write_text('[csms]\nurl = "ws://127.0.0.1:9000/ocpp"\n')
    asked = arguments(tmp_path, *files)
    with pytest.raises(ConfigError, match=r"both be config/edge\.toml"):
        _backup(lambda *_: {"path": str(asked.state_dir / "backup.sqlite3")}, asked)
    assert not asked.file.exists()

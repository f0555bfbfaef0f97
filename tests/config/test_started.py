"""The configuration of the last start outlives its file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from edge.cli import main
from edge.config.started import NAME, keep_started


def test_what_was_read_is_kept_for_its_owner(tmp_path: Path) -> None:
    """Whole, and instead of the one before."""
    file, folder = tmp_path / "edge.toml", tmp_path / "run"
    folder.mkdir()
    for text in ('hardware = "stand_in"\n' * 9, "[station]\n"):
        file.write_text(text)
        keep_started([file], str(folder))
        assert (folder / NAME).read_text() == text
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600


def test_without_a_unit_nothing_is_kept(tmp_path: Path) -> None:
    """Somebody's own start leaves nothing behind."""
    file = tmp_path / "edge.toml"
    file.write_text("")
    keep_started([file], None)
    keep_started([file, file], str(tmp_path))
    assert list(tmp_path.iterdir()) == [file]


def test_safety_02_a_slip_does_not_replace_what_worked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that cannot be leaves the outputs of the last one known."""
    file, kept = tmp_path / "edge.toml", tmp_path / NAME
    file.write_text("[statoin]\n")
    kept.write_text("as it was")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    assert main(["edge", "run", "--config", str(file), "--state-dir", str(tmp_path)]) != 0
    assert kept.read_text() == "as it was"

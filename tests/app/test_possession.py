"""A command of root's in the directory of the daemon's own user."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.possession import possessed
from edge.errors import ConfigError


def test_a_link_for_a_lock_gives_nothing_away(tmp_path: Path) -> None:
    """Root hands the lock to the directory's owner: what a link leads to would become his."""
    shadow = tmp_path / "shadow"
    shadow.write_text("secret")
    state = tmp_path / "state"
    state.mkdir()
    (state / "daemon.lock").symlink_to(shadow)
    with pytest.raises(ConfigError, match="cannot be used"), possessed(state):
        raise AssertionError("it was taken")
    (state / "daemon.lock").unlink()
    with possessed(state), pytest.raises(ConfigError, match="in use"), possessed(state):
        raise AssertionError("it was taken twice")

"""The event loop is libuv's, and where there is none the central system runs all the same."""

from __future__ import annotations

import asyncio
import importlib
import sys

import pytest

from csms_lite import loop


async def test_tests_run_on_the_loop_that_users_have() -> None:
    """Sockets, TLS and signals are other code there than in asyncio's own loop."""
    pytest.importorskip("uvloop", reason="there is no wheel of it for this machine")
    assert type(asyncio.get_running_loop()).__module__ == "uvloop"


def test_without_a_wheel_it_is_asyncios(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 32-bit system has no wheel of it."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    try:
        assert importlib.reload(loop).new_event_loop is asyncio.new_event_loop
    finally:
        monkeypatch.undo()
        importlib.reload(loop)

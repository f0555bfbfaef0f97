"""Cards on the whole daemon: roles at the reader, and where a UID may be read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from edge.app.privacy import known
from edge.control.client import ask
from tests.together.edge_bench import CARD, Bench, bench, end
from tests.waiting import WITHIN_S, until

pytestmark = pytest.mark.together
INSTALLER = "04DDDDDDDDDD80"
SWIFT = ("policy.start_stop_dead_time_s=0.0", "policy.stop_start_dead_time_s=0.0")


async def asked(bay: Bench, verb: str, **arguments: Any) -> dict[str, Any]:
    """Ask the daemon's control socket."""
    return await asyncio.to_thread(ask, bay.directory / "d" / "control.sock", verb, **arguments)


async def whole_session(bay: Bench) -> str:
    """Plug, tap, tap; the idTag that was told."""
    await bay.sim("plug", connector=1)
    await bay.tap()
    await bay.wait(contactor_closed=True)
    await bay.sim("card", uid=CARD, for_s=0.5)
    await until(lambda: bay.central.payloads("StopTransaction"), 20)
    await until(lambda: bay.control("status")["outbox"] == 0, 10)
    return str(bay.central.payloads("StartTransaction")[0]["idTag"])


def contents(directory: Path) -> bytes:
    """Every byte of the state directory."""
    files = [file for file in directory.rglob("*") if file.is_file()]
    return b"".join(file.read_bytes() for file in files).upper()


@pytest.mark.parametrize("mode", ["off", "hashed"])
async def test_no_log_names_a_card_and_in_privacy_mode_nothing_does(
    mode: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Style: never card UIDs in full; issue 5, 8: an alias everywhere but at the reader."""
    async with bench(tmp_path) as bay:
        bay.start(f"privacy.mode={mode}", *SWIFT)
        await bay.sim("wait", condition={"online": True}, timeout_s=WITHIN_S)
        told = await whole_session(bay)
        held = await asked(bay, "held", uid=CARD)
        assert [one["id_tag"] for one in held["sessions"]] == [told]
        assert bay.daemon is not None
        end(bay.daemon)
    log = capfd.readouterr().err.upper()
    assert "TAG_PRESENTED" in log
    assert CARD not in log
    kept = contents(tmp_path / "d")
    assert told.upper().encode() in kept
    if mode == "off":
        assert told == CARD
    else:
        assert told == known(tmp_path / "d").of(CARD)
        assert told not in log
        assert CARD.encode() not in kept
        assert all(CARD not in str(payload) for _, payload, _ in bay.central.calls)


async def test_the_installer_teaches_a_card_and_the_owner_blocks_it(tmp_path: Path) -> None:
    """Firsts 17: tap, learn, start without a question, lost, refused, erased."""
    async with bench(tmp_path) as bay:
        bay.start(f"cards.{INSTALLER}=installer", *SWIFT)
        await bay.sim("wait", condition={"online": True}, timeout_s=WITHIN_S)
        assert "error" in await asked(bay, "card", role="owner", uid=CARD)
        await bay.sim("card", uid=INSTALLER, for_s=0.5)
        await bay.wait(lamp="setup")
        learning = asyncio.ensure_future(asked(bay, "learn", role="owner"))
        await bay.sim("card", uid=CARD, for_s=0.5)
        assert await learning == {"id_tag": CARD, "role": "owner"}
        assert await whole_session(bay) == CARD
        assert not bay.central.payloads("Authorize")
        await bay.sim("unplug", connector=1)
        await asked(bay, "card", role="blocked", uid=CARD)
        await bay.sim("card", uid=CARD, for_s=0.5)
        await bay.wait(lamp="refused")
        answer = await asked(bay, "erase", uid=CARD)
        assert any("cards remove" in reason for reason in answer["kept"])
        assert (await asked(bay, "held", uid=CARD))["sessions"] == []

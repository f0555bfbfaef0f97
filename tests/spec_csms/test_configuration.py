"""Configuration keys."""

from __future__ import annotations

from tests.spec_csms.bench import Bench

KEYS = {
    "configurationKey": [
        {"key": "HeartbeatInterval", "readonly": False, "value": "60"},
        {"key": "NumberOfConnectors", "readonly": True, "value": "1"},
    ],
    "unknownKey": ["Nonsense"],
}
INTERVAL = {"key": "MeterValueSampleInterval", "value": "15"}


async def test_tc_019_1_all_keys_are_asked_for(bench: Bench) -> None:
    """With no key at all; values and readonly flags are shown."""
    async with bench.booted() as point:
        point.script["GetConfiguration"] = KEYS
        assert await bench.told(point, "GetConfiguration") == KEYS


async def test_tc_019_2_one_key_is_asked_for(bench: Bench) -> None:
    """Exactly that one."""
    async with bench.booted() as point:
        point.script["GetConfiguration"] = KEYS
        asked = {"key": ["HeartbeatInterval"]}
        assert await bench.told(point, "GetConfiguration", asked) == KEYS


async def changed(bench: Bench, status: str) -> None:
    async with bench.booted() as point:
        point.script["ChangeConfiguration"] = {"status": status}
        assert await bench.told(point, "ChangeConfiguration", INTERVAL) == {"status": status}


async def test_tc_021_a_key_is_changed(bench: Bench) -> None:
    """MeterValueSampleInterval."""
    await changed(bench, "Accepted")


async def test_tc_040_1_a_key_nobody_knows_is_shown(bench: Bench) -> None:
    """NotSupported is an answer."""
    await changed(bench, "NotSupported")


async def test_tc_040_2_a_value_of_no_use_is_shown(bench: Bench) -> None:
    """Rejected is an answer."""
    await changed(bench, "Rejected")


async def test_r_4_1_a_password_is_shown_to_nobody(bench: Bench) -> None:
    """A01.FR.09: it reaches the point, and no page."""
    secret = "00112233445566778899aabbccddeeff"
    async with bench.booted() as point:
        row = await bench.ask("ChangeConfiguration", {"key": "AuthorizationKey", "value": secret})
        assert point.asked[0].payload["value"] == secret
        assert secret not in str(row)
        assert secret not in str(await bench.get("/api/commands"))

"""The HTTP side: a token, problems that say what to do, bounded bodies, plain resources."""

from __future__ import annotations

import itertools
import stat
from pathlib import Path

import httpx
import pytest

from csms_lite.chance import Chance, system_chance
from csms_lite.errors import SettingsError
from csms_lite.secretfile import read_secret
from csms_lite.web import MAX_BODY
from tests.csms_lite.central import Central

GUARDED = [
    ("GET", "/api/chargers"),
    ("GET", "/api/chargers/CP-1"),
    ("PUT", "/api/chargers/CP-1"),
    ("GET", "/api/chargers/CP-1/events"),
    ("POST", "/api/chargers/CP-1/commands"),
    ("GET", "/api/chargers/CP-1/commands"),
    ("GET", "/api/commands/1"),
    ("GET", "/api/sessions"),
    ("GET", "/api/sessions/1"),
    ("GET", "/api/cards"),
    ("GET", "/api/cards/A"),
    ("PUT", "/api/cards/A"),
    ("DELETE", "/api/cards/A"),
    ("GET", "/api/tariff"),
    ("PUT", "/api/tariff"),
]


async def test_every_route_but_the_public_ones_needs_the_token(central: Central) -> None:
    """Deny by default; the refusal says how to be let in."""
    wrong = (None, "Bearer wrong", f"Basic {central.token}", "Bearer", "Bearer é")
    async with httpx.AsyncClient(base_url=central.addresses.http) as stranger:
        for (method, path), header in itertools.product(GUARDED, wrong):
            headers = [(b"Authorization", header.encode())] if header else []
            response = await stranger.request(method, path, headers=headers)
            assert response.status_code == 401, (method, path, header)
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.headers["content-type"] == "application/problem+json"
            assert "Bearer" in response.json()["detail"]
            assert central.token not in response.text


async def test_cards_are_put_read_listed_and_removed(central: Central) -> None:
    """A card is one resource, whatever the case of its tag."""
    put = await central.http.put("/api/cards/04a2B1", json={"parent": "FAMILY"})
    assert put.json() == {
        "tag": "04a2B1",
        "kind": "rfid",
        "label": None,
        "user_id": None,
        "status": "Accepted",
        "reason": None,
        "parent": "FAMILY",
        "valid_from": None,
        "expiry": None,
        "chargers": None,
        "budgets": {},
    }
    assert await central.get("/api/cards/04A2b1") == put.json()
    await central.http.put("/api/cards/04A2B1", json={"status": "Blocked"})
    await central.http.put("/api/cards/99", json={"expiry": "2030-01-01T01:00:00+01:00"})
    assert [(one["tag"], one["status"]) for one in await central.get("/api/cards")] == [
        ("04A2B1", "Blocked"),
        ("99", "Accepted"),
    ]
    assert (await central.get("/api/cards/99"))["expiry"] == "2030-01-01T00:00:00.000Z"
    assert [one["tag"] for one in await central.get("/api/cards?after=04a2b1")] == ["99"]
    assert (await central.http.delete("/api/cards/04a2b1")).status_code == 204
    assert (await central.http.delete("/api/cards/04a2b1")).status_code == 404
    assert (await central.http.get("/api/cards/04a2b1")).status_code == 404


async def test_the_price_is_read_back(central: Central) -> None:
    """One price now; a session keeps the one it began with."""
    assert await central.get("/api/tariff") is None
    for price in (45, 50):
        body = {"currency": "EUR", "per_kwh_minor": price}
        assert (await central.http.put("/api/tariff", json=body)).json() == body
    async with central.station() as station:
        await station.boot()
        await station.start(at="2024-05-01T10:00:00Z", meter=0)
        await central.http.put("/api/tariff", json={"currency": "EUR", "per_kwh_minor": 99})
        await station.stop(1, meter=1000, at="2024-05-01T11:00:00Z")
    assert (await central.get("/api/sessions/1"))["cost_minor"] == 50


WRONG: list[tuple[str, str, object, int, str]] = [
    ("PUT", "/api/cards/A", {"status": "Lost"}, 422, "status"),
    ("PUT", "/api/cards/A", {"colour": "red"}, 422, "colour"),
    ("PUT", "/api/cards/A", {"expiry": "2030-01-01T00:00:00"}, 422, "expiry"),
    ("PUT", "/api/cards/A", {"expiry": "9999-12-31T23:59:59-12:00"}, 422, "expiry"),
    ("PUT", "/api/cards/" + "A" * 21, {}, 422, "tag"),
    ("PUT", "/api/tariff", {"currency": "euro", "per_kwh_minor": 1}, 422, "currency"),
    ("PUT", "/api/tariff", {"currency": "EUR", "per_kwh_minor": -1}, 422, "per_kwh_minor"),
    ("PUT", "/api/chargers/a%20b", {}, 422, "letters"),
    ("PUT", "/api/chargers/A", {"registration": "Maybe"}, 422, "Pending"),
    ("PUT", "/api/chargers/A", {"code": "a b"}, 422, "code"),
    ("GET", "/api/sessions/4711", None, 404, "4711"),
    ("GET", "/api/sessions?count=0", None, 422, "count"),
    ("GET", "/api/nothing", None, 404, "/api/nothing"),
    ("POST", "/api/tariff", {}, 405, "POST"),
]


async def test_a_problem_says_what_to_mend(central: Central) -> None:
    """Errors are RFC 9457 documents that name the thing at fault."""
    for method, path, body, status, word in WRONG:
        response = await central.http.request(method, path, json=body)
        assert response.status_code == status, (method, path)
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert problem["status"] == status
        assert word in problem["detail"]


async def test_a_body_beyond_all_need_is_refused(central: Central) -> None:
    """Nobody fills the memory of a small machine."""
    response = await central.http.put("/api/tariff", content=b"x" * (MAX_BODY + 1))
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


async def test_sessions_are_paged(central: Central) -> None:
    """Newest first, the next page before the last one's number; by charger if asked."""
    async with central.station("A") as one, central.station("B") as other:
        for number, station in enumerate((one, other, one)):
            await station.boot()
            await station.start(at=f"2024-05-01T10:0{number}:00Z")

    async def numbers(query: str) -> list[int]:
        return [one["transaction_id"] for one in await central.get(f"/api/sessions?{query}")]

    assert await numbers("") == [3, 2, 1]
    assert await numbers("count=2") == [3, 2]
    assert await numbers("before=2") == [1]
    assert await numbers("charger=A") == [3, 1]
    assert await numbers("charger=NOBODY") == []


async def test_when_the_disk_fails_the_operator_is_told(central: Central) -> None:
    """503 with a sentence, and what was read before is still readable."""
    await central.disk.writer.break_now()
    response = await central.http.put("/api/cards/A")
    assert response.status_code == 503
    assert await central.get("/api/cards") == []


def test_the_token_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """The token file is 0600 in a 0700 directory, and stays the same."""
    state_dir = tmp_path / "state"
    token = read_secret(state_dir / "token", system_chance())
    assert len(token) == 64
    assert read_secret(state_dir / "token", system_chance()) == token
    assert stat.S_IMODE((state_dir / "token").stat().st_mode) == 0o600
    assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700


def test_a_start_that_dies_while_it_makes_the_token_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a token is no secret, an empty file keeps the next start from making one."""

    def dies(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as power:
        power.setattr("os.fsync", dies)
        with pytest.raises(KeyboardInterrupt):
            read_secret(tmp_path / "token", system_chance())
    assert not (tmp_path / "token").exists()
    assert len(read_secret(tmp_path / "token", system_chance())) == 64


def test_an_empty_token_file_lets_nobody_in(tmp_path: Path) -> None:
    """An empty token would open every door."""
    (tmp_path / "token").write_text("\n")
    with pytest.raises(SettingsError, match="remove it"):
        read_secret(tmp_path / "token", system_chance())


def test_a_state_directory_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """The installer learns the path and the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be used"):
        read_secret(tmp_path / "file" / "token", system_chance())


def test_chance_makes_ids_that_ocpp_accepts() -> None:
    """Message ids are UUIDs of 36 characters, codes eight clear letters and digits."""
    chance: Chance = system_chance()
    assert len({chance.message_id() for _ in range(100)}) == 100
    assert {len(chance.message_id()) for _ in range(10)} == {36}
    assert all(len(code) == 8 and code.isalnum() for code in (chance.code() for _ in range(10)))

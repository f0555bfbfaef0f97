"""Keys of programs: what they open, and what ends them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from csms_lite.clock import rfc3339
from tests.csms_lite.accounts.house import PASSWORD, House


async def made(client: httpx.AsyncClient, *scopes: str, **more: Any) -> dict[str, Any]:
    """Make a key and give it whole."""
    body = {"name": "report", "scopes": list(scopes), "password": PASSWORD, **more}
    answer = await client.post("/api/users/me/keys", json=body)
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key


async def test_a_key_opens_its_scopes_and_nothing_else(house: House) -> None:
    """By the tag and the method of the route, although its owner may all."""
    ada = await house.as_("ada@example.org", "ADMIN")
    reader = house.client((await made(ada, "cards:read"))["key"])
    assert (await reader.get("/api/cards")).status_code == 200
    for refused in (
        await reader.put("/api/cards/A"),
        await reader.get("/api/users"),
        await reader.get("/api/users/me"),
        await reader.get("/api/auth/validate"),
        await reader.get("/api/audit"),
    ):
        assert refused.status_code == 403
    assert "cards:write" in (await reader.put("/api/cards/A")).json()["detail"]
    writer = house.client((await made(ada, "cards:write", "audit:read"))["key"])
    assert (await writer.put("/api/cards/A")).status_code == 200
    assert (await writer.get("/api/cards")).status_code == 403
    assert (await writer.get("/api/audit")).status_code == 200


async def test_a_key_is_no_more_than_its_owner(house: House) -> None:
    """His role now, not the one of the day it was made."""
    ops = await house.as_("ops@example.org", "OPERATOR")
    key = house.client((await made(ops, "cards:read", "cards:write", "audit:read"))["key"])
    assert (await key.put("/api/cards/A")).status_code == 200
    assert (await key.get("/api/audit")).status_code == 403
    number = (await ops.get("/api/users/me")).json()["id"]
    await house.host.patch(f"/api/users/{number}", json={"role": "VIEWER"})
    assert (await key.put("/api/cards/A")).status_code == 403
    assert (await key.get("/api/cards")).status_code == 200
    await house.host.patch(f"/api/users/{number}", json={"is_disabled": True})
    assert (await key.get("/api/cards")).status_code == 401


@pytest.mark.parametrize("scope", ["me:write", "auth:write", "cards:all", "crads:read", "", None])
async def test_some_scopes_cannot_be_granted(house: House, scope: str | None) -> None:
    """A stolen key must not make keys or change passwords; a slip is said with what there is."""
    ada = await house.as_("ada@example.org", "ADMIN")
    body = {"name": "n", "scopes": [] if scope is None else [scope], "password": PASSWORD}
    answer = await ada.post("/api/users/me/keys", json=body)
    assert answer.status_code == 422
    assert "cards:read" in answer.json()["detail"]


async def test_no_key_gets_at_accounts_by_the_old_addresses(house: House) -> None:
    """Seed D's routes on people are a person's own, as the new ones are."""
    ada = await house.as_("ada@example.org", "ADMIN")
    number = (await ada.get("/api/users/me")).json()["id"]
    key = house.client((await made(ada, "compatibility:read", "compatibility:write"))["key"])
    assert (await key.get("/cps")).status_code == 200
    for refused in (
        await key.get("/user"),
        await key.get("/user/all"),
        await key.patch("/user", json={"name": "Eve"}),
        await key.patch(f"/user/{number}/set_user_admin", json={"is_admin": False}),
    ):
        assert refused.status_code == 403, refused.url


async def test_a_key_ends_when_it_was_said_to(house: House) -> None:
    """And not before."""
    ada = await house.as_("ada@example.org", "ADMIN")
    expires = rfc3339(house.clock.now_ms() + 60_000)
    key = house.client((await made(ada, "cards:read", expires=expires))["key"])
    house.clock.forward(59)
    assert (await key.get("/api/cards")).status_code == 200
    house.clock.forward(1)
    assert (await key.get("/api/cards")).status_code == 401


async def test_another_password_takes_the_keys(house: House) -> None:
    """Who stole the password may have made a key with it."""
    ada = await house.as_("ada@example.org", "ADMIN")
    key = house.client((await made(ada, "cards:read"))["key"])
    assert (await key.get("/api/cards")).status_code == 200
    body = {"old": PASSWORD, "new": "another-long-phrase 9"}
    assert (await ada.put("/api/users/me/password", json=body)).status_code == 200
    assert (await key.get("/api/cards")).status_code == 401


async def test_making_a_key_needs_the_password(house: House) -> None:
    """A stolen access token of a quarter of an hour must not become a key for ever."""
    ada = await house.as_("ada@example.org", "ADMIN")
    body = {"name": "n", "scopes": ["cards:read"], "password": "guess"}
    assert (await ada.post("/api/users/me/keys", json=body)).status_code == 403


async def test_keys_are_seen_and_taken_back_by_their_owner_only(house: House) -> None:
    """The list tells the last use, never the secret."""
    ada = await house.as_("ada@example.org", "ADMIN")
    eve = await house.as_("eve@example.org", "ADMIN")
    whole = await made(ada, "cards:read")
    key = house.client(whole["key"])
    await key.get("/api/cards")
    listed = (await ada.get("/api/users/me/keys")).json()
    assert listed == [{k: v for k, v in whole.items() if k != "key"} | {"used_at": now(house)}]
    assert (await eve.get("/api/users/me/keys")).json() == []
    assert (await eve.delete(f"/api/users/me/keys/{whole['id']}")).status_code == 404
    assert (await key.get("/api/cards")).status_code == 200
    assert (await ada.delete(f"/api/users/me/keys/{whole['id']}")).status_code == 204
    assert (await key.get("/api/cards")).status_code == 401
    trail = (await ada.get("/api/audit")).json()
    assert [one["action"] for one in trail[:2]] == ["key_removed", "key_added"]


def now(house: House) -> str:
    return rfc3339(house.clock.now_ms())


async def test_a_guessed_or_broken_key_opens_nothing(house: House) -> None:
    """The prefix is no secret."""
    ada = await house.as_("ada@example.org", "ADMIN")
    whole = (await made(ada, "cards:read"))["key"]
    for key in (whole[:-1], whole + "0", whole.replace("twk", "twx"), whole[:21], "twk__", "twk"):
        assert (await house.client(key).get("/api/cards")).status_code == 401, key


async def test_an_account_has_twenty_keys(house: House) -> None:
    """Then one must be taken back."""
    ada = await house.as_("ada@example.org", "ADMIN")
    for _ in range(20):
        house.clock.forward(30)
        await made(ada, "cards:read")
    house.clock.forward(30)
    body = {"name": "n", "scopes": ["cards:read"], "password": PASSWORD}
    assert (await ada.post("/api/users/me/keys", json=body)).status_code == 409

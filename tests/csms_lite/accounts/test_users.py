"""Accounts: what their holders, the staff and strangers may do, and what is written down."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.csms_lite.accounts.house import PASSWORD, House, housed

NEW = "another good password"


async def status(client: httpx.AsyncClient) -> int:
    """Whether this token still opens the own profile."""
    return (await client.get("/api/users/me")).status_code


@pytest.mark.parametrize(
    "change", [{"role": "VIEWER"}, {"role": "ADMIN"}, {"is_disabled": True}, "sign-out", "delete"]
)
async def test_what_an_administrator_changes_ends_old_tokens_at_once(
    house: House, change: Any
) -> None:
    """Row 10: no token outlives the role it was given for, not even for its quarter of an hour."""
    number = await house.add("bob@example.org", "OPERATOR")
    tokens = await house.sign_in("bob@example.org")
    bob = house.client(tokens["access_token"])
    assert await status(bob) == 200
    if change == "sign-out":
        answer = await house.host.post(f"/api/users/{number}/sign-out")
    elif change == "delete":
        answer = await house.host.delete(f"/api/users/{number}")
    else:
        answer = await house.host.patch(f"/api/users/{number}", json=change)
    assert answer.is_success
    assert await status(bob) == 401
    body = {"refresh_token": tokens["refresh_token"]}
    assert (await house.client().post("/api/auth/refresh", json=body)).status_code == 401


async def test_another_name_ends_no_sign_in(house: House) -> None:
    """Only what a token stands for ends it."""
    number = await house.add("bob@example.org")
    bob = house.client((await house.sign_in("bob@example.org"))["access_token"])
    await house.host.patch(f"/api/users/{number}", json={"name": "Robert", "role": "USER"})
    assert (await bob.get("/api/users/me")).json()["name"] == "Robert"


async def test_a_new_password_needs_the_old_one_and_ends_every_other_sign_in(
    house: House,
) -> None:
    """Who finds an unlocked telephone does not own the account; who changes it stays in."""
    await house.add("bob@example.org")
    here = await house.sign_in("bob@example.org")
    there = house.client((await house.sign_in("bob@example.org"))["access_token"])
    bob = house.client(here["access_token"])
    wrong = await bob.put("/api/users/me/password", json={"old": "guess", "new": NEW})
    assert wrong.status_code == 403
    assert await status(there) == 200
    done = await bob.put("/api/users/me/password", json={"old": PASSWORD, "new": NEW})
    assert done.status_code == 200
    assert [await status(bob), await status(there)] == [401, 401]
    assert await status(house.client(done.json()["access_token"])) == 200
    house.clock.forward(60)
    for password, expected in ((PASSWORD, 401), (NEW, 200)):
        body = {"email": "bob@example.org", "password": password}
        assert (await house.client().post("/api/auth/login", json=body)).status_code == expected


async def test_guessing_the_old_password_is_limited_too(house: House) -> None:
    """A stolen access token is no way around the limit of sign-ins."""
    bob = await house.as_("bob@example.org")
    answers = [
        await bob.put("/api/users/me/password", json={"old": "guess", "new": NEW}) for _ in range(6)
    ]
    assert [one.status_code for one in answers] == [403, 403, 403, 403, 429, 429]


async def test_another_address_needs_the_password_and_must_be_verified(house: House) -> None:
    """And it cannot be somebody else's."""
    await house.add("ana@example.org")
    bob = await house.as_("bob@example.org")
    for body, expected in (
        ({"email": "new@example.org", "password": "guess"}, 403),
        ({"email": "ANA@example.org", "password": PASSWORD}, 409),
        ({"email": "new@example.org", "password": PASSWORD}, 200),
    ):
        assert (await bob.put("/api/users/me/email", json=body)).status_code == expected
    assert (await bob.get("/api/users/me")).json()["is_verified"] is False


async def test_nobody_raises_himself(house: House) -> None:
    """The own profile has no role, no verification, no number."""
    bob = await house.as_("bob@example.org")
    for field in ("role", "is_verified", "is_disabled", "email", "id", "token_version"):
        answer = await bob.patch("/api/users/me", json={field: "ADMIN"})
        assert answer.status_code == 422, field
    assert (await bob.patch("/api/users/me", json={"language": "de"})).json()["language"] == "de"


async def test_the_last_administrator_stays(house: House) -> None:
    """Neither demoted, disabled nor deleted; with a second one, any of it."""
    number = await house.add("ada@example.org", "ADMIN")
    await house.add("off@example.org", "ADMIN")
    off = (await house.host.get("/api/users", params={"search": "OFF@"})).json()[0]["id"]
    assert (await house.host.patch(f"/api/users/{off}", json={"is_disabled": True})).is_success
    for answer in (
        await house.host.patch(f"/api/users/{number}", json={"role": "OPERATOR"}),
        await house.host.patch(f"/api/users/{number}", json={"is_disabled": True}),
        await house.host.delete(f"/api/users/{number}"),
    ):
        assert answer.status_code == 409
        assert "last administrator" in answer.json()["detail"]
    await house.add("eve@example.org", "ADMIN")
    assert (await house.host.delete(f"/api/users/{number}")).status_code == 204


async def test_two_administrators_cannot_demote_each_other_at_once(house: House) -> None:
    """One of both orders comes second, and finds the last one."""
    numbers = [await house.add(f"{name}@example.org", "ADMIN") for name in ("ada", "eve")]
    answers = await asyncio.gather(
        *(house.host.patch(f"/api/users/{one}", json={"role": "USER"}) for one in numbers)
    )
    assert sorted(one.status_code for one in answers) == [200, 409]


async def test_a_deleted_account_tells_nothing_of_anybody(house: House) -> None:
    """Its number stays for sessions and bills; its address is free again."""
    number = await house.add("bob@example.org")
    await house.host.patch(f"/api/users/{number}", json={"name": "Robert", "surname": "Tables"})
    await house.sign_in("bob@example.org", address="198.51.100.7")
    assert (await house.host.delete(f"/api/users/{number}")).status_code == 204
    assert (await house.host.get(f"/api/users/{number}")).status_code == 404
    assert (await house.host.delete(f"/api/users/{number}")).status_code == 404
    with sqlite3.connect(house.state_dir / "csms.db") as db:
        rows = db.execute("SELECT * FROM accounts WHERE account_id = ?", (number,)).fetchall()
        rows += db.execute("SELECT * FROM sign_ins").fetchall()
        rows += db.execute("SELECT * FROM audit").fetchall()
    told = str(rows)
    assert str(number) in told
    for word in ("bob", "Robert", "Tables", "198.51.100.7"):
        assert word not in told, word
    assert await house.add("bob@example.org") != number


async def test_the_staff_leaves_a_trail(house: House) -> None:
    """Who, what, whom, when and from where; looking counts, the own profile does not."""
    number = await house.add("bob@example.org")
    ada = await house.as_("ada@example.org", "ADMIN")
    mine = (await ada.get("/api/users/me")).json()["id"]
    await ada.get("/api/users")
    await ada.get(f"/api/users/{number}")
    await ada.get(f"/api/users/{mine}")
    await ada.patch(f"/api/users/{number}", json={"role": "VIEWER", "name": "Robert"})
    await ada.patch(f"/api/users/{number}", json={"role": "VIEWER", "name": "Robert"})
    await ada.delete(f"/api/users/{number}")
    trail = (await ada.get("/api/audit")).json()
    own = [one for one in reversed(trail) if one["actor_account"] == mine]
    assert [(one["action"], one["account"]) for one in own] == [
        ("accounts_listed", None),
        ("account_viewed", number),
        ("role_changed", number),
        ("account_deleted", number),
    ]
    assert {(one["actor"], one["address"]) for one in own} == {(f"account {mine}", "192.0.2.1")}
    assert own[2]["details"] == {"changed": ["name", "role"], "role": "VIEWER"}
    of_bob = (await ada.get("/api/audit", params={"account": number, "count": 2})).json()
    assert [one["action"] for one in of_bob] == ["account_deleted", "role_changed"]
    older = await ada.get("/api/audit", params={"account": number, "before": of_bob[-1]["id"]})
    assert [one["action"] for one in older.json()] == ["account_viewed", "account_added"]


async def test_users_are_listed_in_pages(house: House) -> None:
    """By number, by role, by a part of the name; the deleted not at all."""
    for name in ("a", "b", "c"):
        await house.add(f"{name}@example.org", "VIEWER" if name == "b" else "USER")

    async def listed(**query: Any) -> list[str]:
        answer = await house.host.get("/api/users", params=query)
        assert answer.status_code == 200, answer.text
        return [one["email"][0] for one in answer.json()]

    assert await listed() == ["a", "b", "c"]
    assert await listed(count=2) == ["a", "b"]
    assert await listed(after=2, count=2) == ["c"]
    assert await listed(role="VIEWER") == ["b"]
    assert await listed(search="C@EX") == ["c"]
    assert await listed(search="%") == []
    assert (await house.host.get("/api/users", params={"search": "x" * 101})).status_code == 422


async def test_one_driver_neither_sees_nor_changes_another(house: House) -> None:
    """IDOR, over every route on people: by a guessed number nothing of anybody comes out."""
    ana = await house.add("ana@example.org")
    await house.sign_in("ana@example.org")
    tokens = await house.sign_in("ana@example.org")
    hers = (await house.client(tokens["access_token"]).get("/api/users/me/sign-ins")).json()
    bob = await house.as_("bob@example.org")
    tried = [
        await bob.get(f"/api/users/{ana}"),
        await bob.patch(f"/api/users/{ana}", json={"name": "Eve"}),
        await bob.delete(f"/api/users/{ana}"),
        await bob.post(f"/api/users/{ana}/sign-out"),
        await bob.get("/api/users"),
        await bob.get("/api/audit", params={"account": ana}),
        *[await bob.delete(f"/api/users/me/sign-ins/{one['id']}") for one in hers],
    ]
    assert {one.status_code for one in tried} == {403, 404}
    assert "ana" not in "".join(one.text for one in tried).replace("an account", "")
    ids = [one["id"] for one in (await bob.get("/api/users/me/sign-ins")).json()]
    assert not set(ids) & {one["id"] for one in hers}
    again = (await house.client(tokens["access_token"]).get("/api/users/me/sign-ins")).json()
    assert again == hers
    gone = await house.client(tokens["access_token"]).delete(
        f"/api/users/me/sign-ins/{hers[0]['id']}"
    )
    assert gone.status_code == 204


async def test_an_operator_looks_and_does_not_change(house: House) -> None:
    """Roles are an administrator's: an operator could else make himself one."""
    number = await house.add("bob@example.org")
    ops = await house.as_("ops@example.org", "OPERATOR")
    assert (await ops.get(f"/api/users/{number}")).status_code == 200
    for answer in (
        await ops.patch(f"/api/users/{number}", json={"role": "ADMIN"}),
        await ops.delete(f"/api/users/{number}"),
        await ops.post("/api/users", json={}),
        await ops.get("/api/audit"),
    ):
        assert answer.status_code == 403


async def test_the_token_of_the_state_directory_is_no_account(house: House) -> None:
    """It may all, but has no profile."""
    answer = await house.host.get("/api/users/me")
    assert answer.status_code == 409
    assert "no account" in answer.json()["detail"]


async def test_accounts_outlive_a_restart(tmp_path: Path) -> None:
    """So do sign-ins: the key of the tokens is a file."""
    async with housed(tmp_path) as house:
        await house.add("bob@example.org")
        token = (await house.sign_in("bob@example.org"))["access_token"]
    async with housed(tmp_path) as house:
        assert await status(house.client(token)) == 200

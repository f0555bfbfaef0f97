"""Coming in, staying in, going out: and everything that must not let one in."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from argon2 import extract_parameters

from csms_lite.accounts.passwords import NOBODY, Passwords, hash_password
from tests.csms_lite.accounts.house import PASSWORD, House, housed

ANA: dict[str, Any] = {
    "email": "Ana@Example.org",
    "name": "Ana",
    "surname": "Muster",
    "password": PASSWORD,
}


async def test_a_newcomer_has_a_token_at_once_but_only_the_profile(house: House) -> None:
    """Row 19: until the address is verified the token opens the profile and nothing else."""
    answer = await house.client().post("/api/auth/register", json=ANA)
    assert answer.status_code == 201
    ana = house.client(answer.json()["access_token"])
    assert (await ana.get("/api/users/me")).json()["is_verified"] is False
    assert "verif" in (await ana.get("/api/auth/validate")).json()["first"]
    account = answer.json()["user"]["id"]
    changed = await house.host.patch(f"/api/users/{account}", json={"role": "VIEWER"})
    assert changed.json()["is_verified"] is False
    ana = house.client((await house.sign_in("ana@example.org"))["access_token"])
    refused = await ana.get("/api/cards")
    assert refused.status_code == 403
    assert "verify your mail address" in refused.json()["detail"]
    await house.host.patch(f"/api/users/{account}", json={"is_verified": True})
    assert (await ana.get("/api/cards")).status_code == 200


async def test_an_address_is_one_account_whatever_its_case(house: House) -> None:
    """The second registration of the same address is refused and changes nothing."""
    assert (await house.client().post("/api/auth/register", json=ANA)).status_code == 201
    again = await house.client().post(
        "/api/auth/register", json=ANA | {"email": "aNA@example.ORG", "password": "another one!"}
    )
    assert again.status_code == 409
    assert (await house.sign_in("ANA@EXAMPLE.org"))["user"]["email"] == "Ana@Example.org"


async def test_two_registrations_at_once_make_one_account(house: House) -> None:
    """The unique address is decided in the transaction, not before it."""
    answers = await asyncio.gather(
        *(house.client().post("/api/auth/register", json=ANA) for _ in range(4))
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]


async def test_registration_gives_the_role_user_and_nothing_more(house: House) -> None:
    """A role in the body is no field of it."""
    answer = await house.client().post("/api/auth/register", json=ANA | {"role": "ADMIN"})
    assert answer.status_code == 422
    answer = await house.client().post("/api/auth/register", json=ANA)
    assert answer.json()["user"]["role"] == "USER"


async def test_registration_can_be_closed(tmp_path: Path) -> None:
    """A company's car park adds its people itself."""
    async with housed(tmp_path, open_registration=False) as house:
        answer = await house.client().post("/api/auth/register", json=ANA)
        assert answer.status_code == 403
        assert "ask the operator" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"password": "short"}, "10 to 128"),
        ({"password": "a" * 129}, "10 to 128"),
        ({"password": "aaaaaaaaaaaa"}, "guessed"),
        ({"password": "ana@example.org"}, "no password"),
        ({"password": "\ud800" * 20}, "password"),
        ({"email": "ana"}, "no mail address"),
        ({"email": "ana@example.org\r\nBcc: all@example.org"}, "no mail address"),
        ({"email": "а@example.org"}, "no mail address"),
        ({"name": "  "}, "1 to 100"),
        ({"name": "A\u202eB"}, "control characters"),
    ],
)
async def test_what_cannot_be_used_is_said(house: House, wrong: dict[str, str], said: str) -> None:
    """422 with a sentence, and the password is not in it."""
    body = json.dumps(ANA | wrong)
    answer = await house.client().post(
        "/api/auth/register", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    assert said in answer.text
    assert wrong.get("password", PASSWORD) not in answer.json()["detail"]


async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody learns who has an account: the same words, and the same work."""
    await house.add("ana@example.org")
    work: list[str | None] = []
    match = Passwords.match

    async def counted(self: Passwords, stored: str | None, password: str) -> bool:
        work.append(stored)
        return await match(self, stored, password)

    monkeypatch.setattr(Passwords, "match", counted)
    answers = [
        await house.client().post("/api/auth/login", json={"email": email, "password": "x"})
        for email in ("ana@example.org", "bob@example.org", "no address")
    ]
    assert {one.status_code for one in answers} == {401}
    assert len({one.text for one in answers}) == 1
    assert [one is None for one in work] == [False, True, True]
    assert extract_parameters(NOBODY) == extract_parameters(hash_password("x"))


async def test_the_oauth2_password_flow_gives_the_same_tokens(house: House) -> None:
    """RFC 6749 4.3, and OpenAPI says so to its tools."""
    await house.add("ana@example.org", "VIEWER")
    form = {"grant_type": "password", "username": "ana@example.org", "password": PASSWORD}
    answer = await house.client().post("/api/auth/token", data=form)
    assert answer.status_code == 200
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 900)
    ana = house.client(answer.json()["access_token"])
    assert (await ana.get("/api/cards")).status_code == 200
    wrong = await house.client().post("/api/auth/token", data=form | {"grant_type": "implicit"})
    assert wrong.status_code == 422
    told = house.app.openapi()
    schemes = told["components"]["securitySchemes"]
    flows = [one["flows"]["password"] for one in schemes.values() if one["type"] == "oauth2"]
    assert [one["tokenUrl"] for one in flows] == ["/api/auth/token"]
    assert told["paths"]["/api/cards"]["get"]["security"]


async def test_an_access_token_ends_after_a_quarter_of_an_hour(house: House) -> None:
    """By our own clock, not the library's."""
    await house.add("ana@example.org")
    ana = house.client((await house.sign_in("ana@example.org"))["access_token"])
    house.clock.forward(899)
    assert (await ana.get("/api/users/me")).status_code == 200
    house.clock.forward(2)
    assert (await ana.get("/api/users/me")).status_code == 401


async def test_forged_tokens_open_nothing(house: House) -> None:
    """Another key, no signature, another audience, a missing claim, another role: all 401."""
    await house.add("ana@example.org")
    good = (await house.sign_in("ana@example.org"))["access_token"]
    key = bytes.fromhex((house.state_dir / "token-key").read_text().strip())
    claims = jwt.decode(good, options={"verify_signature": False})
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    nothing = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    forged = [
        f"{nothing}.{body}.",
        jwt.encode(claims, b"k" * 32, algorithm="HS256"),
        jwt.encode(claims, key * 2, algorithm="HS512"),
        jwt.encode(claims | {"aud": "another"}, key, algorithm="HS256"),
        jwt.encode(claims | {"iss": "another"}, key, algorithm="HS256"),
        jwt.encode(claims | {"role": "ADMIN"}, key, algorithm="HS256"),
        jwt.encode(claims | {"sid": claims["sid"] + 1}, key, algorithm="HS256"),
        jwt.encode(claims | {"tv": claims["tv"] + 1}, key, algorithm="HS256"),
        jwt.encode(claims | {"sub": "x"}, key, algorithm="HS256"),
        *(
            jwt.encode({k: v for k, v in claims.items() if k != gone}, key, algorithm="HS256")
            for gone in claims
        ),
        good + "x" * 2000,
        "é",
    ]
    assert len(forged) == 20
    for token in forged:
        answer = await house.client().get(
            "/api/users/me", headers=[(b"Authorization", f"Bearer {token}".encode())]
        )
        assert answer.status_code == 401, token
    assert (await house.client(good).get("/api/users/me")).status_code == 200


async def test_an_old_refresh_token_ends_its_sign_in_and_no_other(house: House) -> None:
    """Used twice, it is in two hands: the thief's new tokens end with the owner's."""
    await house.add("ana@example.org")
    first = await house.sign_in("ana@example.org")
    other = await house.sign_in("ana@example.org")
    body = {"refresh_token": first["refresh_token"]}
    second = (await house.client().post("/api/auth/refresh", json=body)).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await house.client(second["access_token"]).get("/api/users/me")).status_code == 200
    assert (await house.client().post("/api/auth/refresh", json=body)).status_code == 401
    stolen = {"refresh_token": second["refresh_token"]}
    assert (await house.client().post("/api/auth/refresh", json=stolen)).status_code == 401
    assert (await house.client(second["access_token"]).get("/api/users/me")).status_code == 401
    assert (await house.client(other["access_token"]).get("/api/users/me")).status_code == 200
    told = (await house.host.get("/api/audit")).json()
    assert told[0]["action"] == "sign_in_ended"


async def test_two_refreshes_at_once_are_one_too_many(house: House) -> None:
    """Exactly one wins, and then the sign-in is over: nobody can tell who was the thief."""
    await house.add("ana@example.org")
    tokens = await house.sign_in("ana@example.org")
    body = {"refresh_token": tokens["refresh_token"]}
    answers = await asyncio.gather(
        *(house.client().post("/api/auth/refresh", json=body) for _ in range(2))
    )
    assert sorted(one.status_code for one in answers) == [200, 401]
    assert (await house.client(tokens["access_token"]).get("/api/users/me")).status_code == 401


async def test_a_refresh_token_is_not_in_the_database(house: House) -> None:
    """Who reads the file, or a copy of it, cannot sign in."""
    await house.add("ana@example.org")
    tokens = await house.sign_in("ana@example.org")
    stored = b"".join(path.read_bytes() for path in house.state_dir.glob("csms.db*"))
    assert b"ana@example.org" in stored
    for secret in (tokens["refresh_token"][:64], tokens["refresh_token"][64:], PASSWORD):
        assert secret.encode() not in stored


async def test_a_sign_in_that_nobody_uses_ends(house: House) -> None:
    """Thirty days; each use begins them anew."""
    await house.add("ana@example.org")
    token = (await house.sign_in("ana@example.org"))["refresh_token"]
    for _ in range(3):
        house.clock.forward(29 * 86_400)
        answer = await house.client().post("/api/auth/refresh", json={"refresh_token": token})
        token = answer.json()["refresh_token"]
    house.clock.forward(30 * 86_400)
    answer = await house.client().post("/api/auth/refresh", json={"refresh_token": token})
    assert answer.status_code == 401


async def test_signing_out_ends_the_access_token_too(house: House) -> None:
    """At once, not a quarter of an hour later; twice is once."""
    await house.add("ana@example.org")
    tokens = await house.sign_in("ana@example.org")
    body = {"refresh_token": tokens["refresh_token"]}
    for _ in range(2):
        assert (await house.client().post("/api/auth/logout", json=body)).status_code == 204
    assert (await house.client(tokens["access_token"]).get("/api/users/me")).status_code == 401
    assert (await house.client().post("/api/auth/refresh", json=body)).status_code == 401


async def test_the_sign_in_longest_unused_makes_room(house: House) -> None:
    """Twenty at most, so that nobody fills the disk by signing in."""
    await house.add("ana@example.org")
    first = await house.sign_in("ana@example.org")
    for number in range(20):
        house.clock.forward(60)
        last = await house.sign_in("ana@example.org", address=f"192.0.2.{number}")
    assert (await house.client(first["access_token"]).get("/api/users/me")).status_code == 401
    mine = (await house.client(last["access_token"]).get("/api/users/me/sign-ins")).json()
    assert len(mine) == 20
    assert [one["is_this_one"] for one in mine] == [True] + [False] * 19

"""People whom somebody else vouches for: who comes in, as whom, and who does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from csms_lite.accounts.office import refuse_emulators
from csms_lite.accounts.oidc import nonce_of
from csms_lite.errors import SettingsError
from tests.csms_lite.accounts.house import PASSWORD, House, housed
from tests.csms_lite.accounts.provider import BROKEN, CLIENT, FakeProvider, provided


@asynccontextmanager
async def vouched(folder: Path, **settings: Any) -> AsyncIterator[tuple[House, FakeProvider]]:
    async with (
        provided() as provider,
        housed(
            folder,
            oidc_issuer=provider.base,
            oidc_client_id=CLIENT,
            oidc_client_secret="hush",
            public_url="https://charge.example.org",
            **settings,
        ) as house,
    ):
        provider.now_s = house.clock.monotonic
        yield house, provider


async def begun(house: House) -> dict[str, str]:
    answer = await house.client().post("/api/auth/oidc/begin")
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


async def arrives(house: House, provider: FakeProvider, **more: Any) -> httpx.Response:
    """Go the whole way round."""
    start = await begun(house)
    code = provider.browse(start["address"])
    body = {"code": code, "verifier": start["verifier"], **more}
    return await house.client().post("/api/auth/oidc", json=body)


async def test_who_comes_by_a_provider_has_an_account_and_keeps_it(tmp_path: Path) -> None:
    """By the subject: another address the next time is the same person."""
    async with vouched(tmp_path) as (house, provider):
        first = await arrives(house, provider)
        assert first.status_code == 200, first.text
        user = first.json()["user"]
        assert (user["email"], user["role"], user["is_verified"]) == (
            "ana@example.org",
            "USER",
            True,
        )
        ana = house.client(first.json()["access_token"])
        assert (await ana.get("/api/users/me")).json()["first"] is None
        provider.person["email"] = "new@example.org"
        again = await arrives(house, provider)
        assert again.json()["user"]["id"] == user["id"]
        body = {"email": "ana@example.org", "password": ""}
        assert (await house.client().post("/api/auth/login", json=body)).status_code == 401


async def test_a_code_is_worth_nothing_to_another_browser(tmp_path: Path) -> None:
    """PKCE: a code that somebody else began does not sign this browser in as him."""
    async with vouched(tmp_path) as (house, provider):
        theirs, mine = await begun(house), await begun(house)
        assert theirs["verifier"] != mine["verifier"]
        code = provider.browse(theirs["address"])
        body = {"code": code, "verifier": mine["verifier"]}
        assert (await house.client().post("/api/auth/oidc", json=body)).status_code == 401
        start = await begun(house)
        body = {"code": provider.browse(start["address"]), "verifier": start["verifier"]}
        assert (await house.client().post("/api/auth/oidc", json=body)).status_code == 200
        assert (await house.client().post("/api/auth/oidc", json=body)).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://another.example.org"},
        {"aud": "another"},
        {"nonce": "another"},
        {"exp": 1},
        {"iat": 9_000_000_000},
        {"sub": ""},
        {"sub": "x" * 129},
        {"email": None},
    ],
)
async def test_an_id_token_that_is_not_good_opens_nothing(
    tmp_path: Path, claims: dict[str, Any]
) -> None:
    """Another issuer, audience or sign-in, another time, nobody: 401, and no account is made."""
    async with vouched(tmp_path) as (house, provider):
        sign = provider.sign
        provider.sign = lambda **told: sign(**(told | claims))  # type: ignore[method-assign]  # the provider goes wrong on purpose
        answer = await arrives(house, provider)
        assert answer.status_code == 401
        assert (await house.host.get("/api/users")).json() == []


async def test_only_the_providers_own_key_signs(tmp_path: Path) -> None:
    """Not no key, not a shared one, not a stranger's; a new one of his is found."""
    async with vouched(tmp_path) as (house, provider):
        stranger = FakeProvider()
        forgers: list[tuple[Any, str, str]] = [
            ("", "none", "one"),
            ("k" * 32, "HS256", "one"),
            (stranger.key, "ES256", "one"),
            (stranger.key, "ES256", "two"),
        ]
        for key, algorithm, kid in forgers:
            start = await begun(house)
            claims = jwt.decode(
                provider.sign(nonce=nonce_of(start["verifier"])),
                options={"verify_signature": False},
            )
            token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})
            provider.says["/token"] = {"id_token": token}
            body = {"code": "any", "verifier": start["verifier"]}
            assert (await house.client().post("/api/auth/oidc", json=body)).status_code == 401
        del provider.says["/token"]
        assert (await arrives(house, provider)).status_code == 200
        provider.key, provider.kid = stranger.key, "two"
        house.clock.forward(60)
        assert (await arrives(house, provider)).status_code == 200
        assert provider.asked.count("/keys") == 2


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/.well-known/openid-configuration", BROKEN),
        ("/.well-known/openid-configuration", {"issuer": "https://another.example.org"}),
        ("/.well-known/openid-configuration", ["x"]),
        ("/keys", BROKEN),
        ("/keys", []),
        ("/keys", {"x": "y" * 300_000}),
        ("/token", BROKEN),
    ],
)
async def test_a_provider_in_trouble_is_told_as_passing(
    tmp_path: Path, path: str, said: Any
) -> None:
    """503, not 401: the person did nothing wrong; and it works when the provider does."""
    async with vouched(tmp_path) as (house, provider):
        provider.says[path] = said
        if path.startswith("/."):
            answer = await house.client().post("/api/auth/oidc/begin")
        else:
            answer = await arrives(house, provider)
        assert answer.status_code == 503, answer.text
        assert answer.json()["title"] == "The sign-in provider does not answer"
        provider.says.clear()
        assert (await arrives(house, provider)).status_code == 200


async def test_an_account_with_a_verified_address_is_linked(tmp_path: Path) -> None:
    """One person, one account: his password goes on to work."""
    async with vouched(tmp_path) as (house, provider):
        number = await house.add("ana@example.org")
        answer = await arrives(house, provider)
        assert answer.json()["user"]["id"] == number
        await house.sign_in("ana@example.org")


async def test_an_account_made_for_a_strangers_address_is_taken_from_him(tmp_path: Path) -> None:
    """Who registered it never showed that it was his: his password and sign-ins end."""
    async with vouched(tmp_path) as (house, provider):
        body = {"email": "ana@example.org", "name": "E", "surname": "E", "password": PASSWORD}
        made = await house.client().post("/api/auth/register", json=body)
        eve = house.client(made.json()["access_token"])
        answer = await arrives(house, provider)
        assert answer.json()["user"]["id"] == made.json()["user"]["id"]
        assert (await eve.get("/api/users/me")).status_code == 401
        login = {"email": "ana@example.org", "password": PASSWORD}
        assert (await house.client().post("/api/auth/login", json=login)).status_code == 401


async def test_whom_a_provider_cannot_bring_in(tmp_path: Path) -> None:
    """An address that it has not verified, the staff, the disabled."""
    async with vouched(tmp_path) as (house, provider):
        provider.person["email_verified"] = "true"
        assert (await arrives(house, provider)).status_code == 403
        provider.person["email_verified"] = True
        for role in ("ADMIN", "OPERATOR", "VIEWER"):
            provider.person |= {"sub": role, "email": f"{role.lower()}@example.org"}
            await house.add(provider.person["email"], role)
            refused = await arrives(house, provider)
            assert (refused.status_code, "staff" in refused.text) == (403, True)
        provider.person |= {"sub": "g-1", "email": "ana@example.org"}
        user = (await arrives(house, provider)).json()["user"]["id"]
        await house.host.patch(f"/api/users/{user}", json={"is_disabled": True})
        assert (await arrives(house, provider)).status_code == 403
        await house.host.delete(f"/api/users/{user}")
        assert (await arrives(house, provider)).json()["user"]["id"] != user


async def test_closed_registration_is_closed_for_providers_too(tmp_path: Path) -> None:
    """Those who have an account still come in."""
    async with vouched(tmp_path, open_registration=False) as (house, provider):
        assert (await arrives(house, provider)).status_code == 403
        await house.add("ana@example.org")
        assert (await arrives(house, provider)).status_code == 200


async def test_a_provider_is_no_way_around_the_second_factor(tmp_path: Path) -> None:
    """Who has set one up is asked for it."""
    async with vouched(tmp_path) as (house, provider):
        ana = await house.as_("ana@example.org")
        from tests.csms_lite.accounts.test_factors import with_factor

        app, _ = await with_factor(house, ana)
        missing = await arrives(house, provider)
        assert missing.json()["title"] == "A second factor is needed"
        assert (await arrives(house, provider, second_factor=app.code())).status_code == 200


async def test_a_firebase_token_is_exchanged_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its issuer names the project; another project's token is worth nothing."""
    async with provided() as provider:
        monkeypatch.setattr("csms_lite.accounts.office.FIREBASE", f"{provider.base}/")
        base = provider.base
        provider.base = f"{base}/car-park"
        async with housed(tmp_path, firebase_project="car-park") as house:
            provider.now_s = house.clock.monotonic

            async def exchanged(token: str) -> httpx.Response:
                return await house.client().post("/api/auth/firebase", json={"id_token": token})

            answer = await exchanged(provider.sign(aud="car-park"))
            assert answer.status_code == 200, answer.text
            assert answer.json()["user"]["email"] == "ana@example.org"
            assert (await exchanged(provider.sign(aud="another"))).status_code == 401
            unsigned = jwt.encode(
                {"sub": "attacker", "aud": "car-park", "iss": provider.base, "admin": True},
                "",
                algorithm="none",
            )
            assert (await exchanged(unsigned)).status_code == 401


def test_the_emulators_variables_stop_the_start() -> None:
    """Measured: with them Firebase's library believes a token that nobody signed."""
    for name in ("FIREBASE_AUTH_EMULATOR_HOST", "FIREBASE_DATABASE_EMULATOR_HOST"):
        with pytest.raises(SettingsError, match=name):
            refuse_emulators({name: "localhost:9099"}, is_dev=False)
        refuse_emulators({name: "localhost:9099"}, is_dev=True)
    refuse_emulators({"PATH": "/bin"}, is_dev=False)


async def test_what_is_not_set_up_says_so(house: House) -> None:
    """503 with the name of the setting."""
    for answer, name in (
        (await house.client().post("/api/auth/oidc/begin"), "OIDC_ISSUER"),
        (await house.client().post("/api/auth/firebase", json={"id_token": "x"}), "FIREBASE"),
        (await house.client().post("/api/webhooks/users", json={}), "WEBHOOK_SECRET"),
    ):
        assert answer.status_code == 503
        assert name in answer.json()["detail"]


@pytest.mark.parametrize(
    "settings",
    [
        {"users_webhook_secret": "secret"},
        {"users_webhook_secret": "whsec_c2hvcnQ="},
        {"oidc_issuer": "https://accounts.example.org"},
        {"oidc_issuer": "http://a.org", "oidc_client_id": "x", "public_url": "https://x.org"},
    ],
)
async def test_half_a_provider_stops_the_start(tmp_path: Path, settings: dict[str, str]) -> None:
    """The installer learns it, not the first driver."""
    with pytest.raises(SettingsError):
        async with housed(tmp_path, **settings):
            pass

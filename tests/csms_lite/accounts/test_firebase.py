"""Firebase through Google's own library: whom it lets in, and who is welcome no more."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from csms_lite.accounts import firebase
from csms_lite.accounts.firebase import Firebase
from csms_lite.errors import ProviderFailed, SettingsError, TooMany
from tests.csms_lite.accounts.google import KEYS, LOOKUP, PROJECT, TOKEN, Google, google
from tests.csms_lite.accounts.house import House, housed


@asynccontextmanager
async def vouched(
    folder: Path, patch: pytest.MonkeyPatch, **settings: Any
) -> AsyncIterator[tuple[House, Google]]:
    with google(patch) as told:
        settings["firebase_service_account"] = told.key_file(folder / "account.json")
        async with housed(folder, firebase_project=PROJECT, **settings) as house:
            yield house, told


async def comes(house: House, token: str) -> httpx.Response:
    return await house.client().post("/api/auth/firebase", json={"id_token": token})


async def test_a_person_of_firebase_comes_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a token that Google signed, after Google was asked whether it still holds."""
    async with vouched(tmp_path, monkeypatch) as (house, told):
        answer = await comes(house, told.sign())
        assert answer.status_code == 200, answer.text
        assert answer.json()["user"]["email"] == "ana@example.org"
        assert told.asked == [KEYS, TOKEN, LOOKUP]


def forged(told: Google, name: str) -> str:
    now_s = int(time.time())
    issuer = f"https://securetoken.google.com/{PROJECT}"
    unsigned: dict[str, Any] = {"iss": issuer, "aud": PROJECT, "sub": "g-1"}
    unsigned |= {"email": "ana@example.org", "email_verified": True, "admin": True}
    times = {"iat": now_s, "exp": now_s + 60}
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kid = {"kid": "one"}
    tokens = {
        "nobody signed it": jwt.encode(unsigned | times, "", algorithm="none", headers=kid),
        "a shared secret": jwt.encode(unsigned | times, "k" * 32, algorithm="HS256", headers=kid),
        "a stranger": jwt.encode(unsigned | times, stranger, algorithm="RS256", headers=kid),
        "expired": told.sign(iat=now_s - 7200, exp=now_s - 3600),
        "from the future": told.sign(iat=now_s + 600),
        "another project": told.sign(aud="another"),
        "another issuer": told.sign(iss="https://securetoken.google.com/another"),
        "nobody": told.sign(sub=""),
        "a long name": told.sign(sub="x" * 129),
        "no mail": told.sign(email=None),
        "no token": "x",
        "not even text": "\x00",
    }
    return tokens[name]


@pytest.mark.parametrize(
    "name",
    [
        "nobody signed it",
        "a shared secret",
        "a stranger",
        "expired",
        "from the future",
        "another project",
        "another issuer",
        "nobody",
        "a long name",
        "no mail",
        "no token",
        "not even text",
    ],
)
async def test_a_token_that_is_not_good_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """401, and no account is made."""
    async with vouched(tmp_path, monkeypatch) as (house, told):
        told.people["x" * 129] = {"localId": "x" * 129}
        answer = await comes(house, forged(told, name))
        assert answer.status_code == 401, answer.text
        assert (await house.host.get("/api/users")).json() == []


@pytest.mark.parametrize(
    ("record", "status"),
    [
        ({"disabled": True}, 403),
        ({"validSince": str(int(time.time()) + 3600)}, 401),
        ({"validSince": "1"}, 200),
        (None, 401),
    ],
)
async def test_who_was_disabled_or_signed_out_at_firebase_does_not_come_in(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record: dict[str, Any] | None,
    status: int,
) -> None:
    """Disabled, revoked, deleted: although the token itself is good for an hour."""
    async with vouched(tmp_path, monkeypatch) as (house, told):
        told.people = {} if record is None else {"g-1": {"localId": "g-1"} | record}
        answer = await comes(house, told.sign())
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (KEYS, (503, "")),
        (KEYS, (200, "no JSON")),
        (TOKEN, (401, '{"error": "invalid_grant"}')),
        (LOOKUP, (403, '{"error": {"message": "PERMISSION_DENIED"}}')),
        (LOOKUP, (200, "no JSON")),
    ],
)
async def test_firebase_in_trouble_is_told_as_passing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, said: tuple[int, str]
) -> None:
    """503, not 401: the person did nothing wrong; and it works when Firebase does."""
    async with vouched(tmp_path, monkeypatch) as (house, told):
        told.says[path] = said
        answer = await comes(house, told.sign())
        assert answer.status_code == 503, answer.text
        assert answer.json()["title"] == "The sign-in provider does not answer"
        told.says.clear()
        assert (await comes(house, told.sign())).status_code == 200


async def test_a_silent_firebase_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits is told so in time, and no more wait than may."""
    monkeypatch.setattr(firebase, "WITHIN_S", 0.2)
    monkeypatch.setattr(firebase, "MOST_WAITING", 2)
    async with vouched(tmp_path, monkeypatch) as (house, told):
        told.held.clear()
        outside = house.office.outside.firebase
        assert isinstance(outside, Firebase)
        for kind in (ProviderFailed, ProviderFailed, TooMany):
            with pytest.raises(kind):
                await outside.identity(told.sign())
        told.held.set()
        await asyncio.get_running_loop().run_in_executor(outside._thread, int)  # after the two
        monkeypatch.setattr(firebase, "WITHIN_S", 10.0)
        assert (await outside.identity(told.sign())).subject == "g-1"


@pytest.mark.parametrize("record", [{"disabled": True}, {"validSince": "4000000000"}, None])
async def test_who_is_put_out_at_firebase_is_signed_out_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: dict[str, Any] | None
) -> None:
    """Within the hour; what he does here by a password of his own is ours."""
    async with vouched(tmp_path, monkeypatch) as (house, told):
        number = await house.add("ana@example.org")
        by_password = house.client((await house.sign_in("ana@example.org"))["access_token"])
        tokens = (await comes(house, told.sign())).json()
        assert tokens["user"]["id"] == number
        by_firebase = house.client(tokens["access_token"])
        await house.office.tidy()
        assert (await by_firebase.get("/api/users/me")).status_code == 200
        told.people = {} if record is None else {"g-1": {"localId": "g-1"} | record}
        await house.office.tidy()
        assert (await by_firebase.get("/api/users/me")).status_code == 401
        body = {"refresh_token": tokens["refresh_token"]}
        assert (await house.client().post("/api/auth/refresh", json=body)).status_code == 401
        assert (await by_password.get("/api/users/me")).status_code == 200
        asked = len(told.asked)
        await house.office.tidy()
        assert len(told.asked) == asked  # nobody of Firebase is signed in any more


async def test_more_people_than_one_question_holds_are_all_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page after page."""
    monkeypatch.setattr("csms_lite.accounts.office.ASKED_AT_ONCE", 2)
    async with vouched(tmp_path, monkeypatch) as (house, told):
        tokens = []
        for number in range(5):
            subject = f"g-{number}"
            told.people[subject] = {"localId": subject}
            token = told.sign(sub=subject, email=f"{subject}@example.org")
            tokens.append((await comes(house, token)).json()["access_token"])
        for one in told.people.values():
            one["disabled"] = True
        await house.office.tidy()
        for token in tokens:
            assert (await house.client(token).get("/api/users/me")).status_code == 401


async def test_what_cannot_work_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No project, another's key, no key, no library: each with what to do."""
    with google(monkeypatch) as told:
        good = told.key_file(tmp_path / "good.json")
        other = told.key_file(tmp_path / "other.json", project_id="another")
        wrong = tmp_path / "wrong.json"
        wrong.write_text('{"type": "authorized_user"}')
        for project, path, says in (
            (None, good, "needs firebase_project"),
            (PROJECT, other, "is of the project another"),
            (PROJECT, wrong, "no key of a service account"),
            (PROJECT, tmp_path / "none.json", "no key of a service account"),
        ):
            with pytest.raises(SettingsError, match=says):
                async with housed(
                    tmp_path, firebase_project=project, firebase_service_account=path
                ):
                    pass
        real = builtins.__import__

        def without(name: str, *more: Any) -> Any:
            if name.startswith("firebase_admin"):
                raise ImportError(name)
            return real(name, *more)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(SettingsError, match=r"pip install 'tapwatt\[firebase\]'"):
            firebase.open_firebase(PROJECT, good)

"""The second factor: set up, asked for, lost; and a code is good once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest

from tests.csms_lite.accounts.house import PASSWORD, House, housed


class App:
    """Somebody's authenticator."""

    def __init__(self, house: House, secret: str) -> None:
        self._house = house
        self._secret = secret

    def code(self, *, steps: int = 0) -> str:
        return pyotp.TOTP(self._secret).generate_otp(self._house.clock.now_ms() // 30_000 + steps)


async def with_factor(house: House, client: httpx.AsyncClient) -> tuple[App, list[str]]:
    """Set a second factor up and give the app and the recovery codes."""
    begun = await client.post("/api/users/me/second-factor", json={"password": PASSWORD})
    assert begun.status_code == 201, begun.text
    assert begun.json()["secret"] in begun.json()["address"]
    app = App(house, begun.json()["secret"])
    done = await client.post("/api/users/me/second-factor/confirm", json={"code": app.code()})
    assert done.status_code == 200, done.text
    house.clock.forward(90)
    return app, done.json()["recovery_codes"]


async def login(house: House, **more: Any) -> httpx.Response:
    house.clock.forward(12)
    body = {"email": "ada@example.org", "password": PASSWORD, **more}
    return await house.client().post("/api/auth/login", json=body)


async def test_with_a_second_factor_the_password_is_not_enough(house: House) -> None:
    """The answer says what is missing only to who has the password."""
    ada = await house.as_("ada@example.org", "ADMIN")
    app, _ = await with_factor(house, ada)
    missing = await login(house)
    assert (missing.status_code, missing.json()["title"]) == (401, "A second factor is needed")
    assert (await login(house, code="000000")).json()["title"] == "A second factor is needed"
    guess = await login(house, password="guess", code=app.code())
    assert guess.json()["title"] == "A token is needed"
    assert (await login(house, code=app.code())).status_code == 200
    form = {"username": "ada@example.org", "password": PASSWORD}
    assert (await house.client().post("/api/auth/token", data=form)).status_code == 401
    house.clock.forward(30)
    form["code"] = app.code()
    assert (await house.client().post("/api/auth/token", data=form)).status_code == 200


async def test_a_code_is_good_once_and_a_little_early_or_late(house: House) -> None:
    """RFC 6238 5.2: seen over a shoulder it opens nothing; a slow clock or thumb is allowed."""
    ada = await house.as_("ada@example.org", "ADMIN")
    app, _ = await with_factor(house, ada)
    code = app.code()
    assert (await login(house, code=code)).status_code == 200
    assert (await login(house, code=code)).status_code == 401
    house.clock.forward(120)
    assert (await login(house, code=app.code(steps=-2))).status_code == 401
    house.clock.forward(120)
    assert (await login(house, code=app.code(steps=1))).status_code == 200
    assert (await login(house, code=app.code(steps=0))).status_code == 401


async def test_a_recovery_code_opens_once(house: House) -> None:
    """However it is typed; nobody else's does."""
    ada = await house.as_("ada@example.org", "ADMIN")
    _, recovery = await with_factor(house, ada)
    assert len(set(recovery)) == 10
    eve = await house.as_("eve@example.org", "ADMIN")
    _, hers = await with_factor(house, eve)
    assert (await login(house, code=hers[0])).status_code == 401
    assert (await login(house, code=recovery[0].upper().replace("-", " "))).status_code == 200
    assert (await login(house, code=recovery[0])).status_code == 401
    assert (await login(house, code=recovery[1])).status_code == 200
    stored = b"".join(path.read_bytes() for path in house.state_dir.glob("csms.db*"))
    assert recovery[2].encode() not in stored
    assert recovery[2].replace("-", "").encode() not in stored


async def test_codes_are_guessed_ten_times_an_hour(house: House) -> None:
    """Who knows the password would else have a code within days."""
    ada = await house.as_("ada@example.org", "ADMIN")
    await with_factor(house, ada)
    answers = [(await login(house, code="000000")).status_code for _ in range(11)]
    assert answers.count(401) <= 10
    assert answers[-1] == 429


async def test_a_factor_counts_only_after_its_first_code(house: House) -> None:
    """A QR code that was never scanned must not lock anybody out."""
    ada = await house.as_("ada@example.org", "ADMIN")
    begun = await ada.post("/api/users/me/second-factor", json={"password": PASSWORD})
    assert begun.status_code == 201
    wrong = await ada.post("/api/users/me/second-factor/confirm", json={"code": "000000"})
    assert wrong.status_code == 403
    assert (await login(house)).status_code == 200
    again = await ada.post("/api/users/me/second-factor", json={"password": PASSWORD})
    assert again.json()["secret"] != begun.json()["secret"]
    old = App(house, begun.json()["secret"]).code()
    refused = await ada.post("/api/users/me/second-factor/confirm", json={"code": old})
    assert refused.status_code == 403


async def test_taking_it_away_needs_the_password_or_an_administrator(house: House) -> None:
    """And a second one does not replace the first in silence."""
    ada = await house.as_("ada@example.org", "ADMIN")
    app, _ = await with_factor(house, ada)
    body = {"password": PASSWORD}
    assert (await ada.post("/api/users/me/second-factor", json=body)).status_code == 409
    wrong = await ada.post("/api/users/me/second-factor/remove", json={"password": "guess"})
    assert wrong.status_code == 403
    assert (await login(house)).status_code == 401
    assert (await ada.post("/api/users/me/second-factor/remove", json=body)).status_code == 204
    assert (await login(house)).status_code == 200
    await with_factor(house, ada)
    number = (await ada.get("/api/users/me")).json()["id"]
    ops = await house.as_("ops@example.org", "OPERATOR")
    assert (await ops.delete(f"/api/users/{number}/second-factor")).status_code == 403
    assert (await house.host.delete(f"/api/users/{number}/second-factor")).status_code == 204
    assert (await login(house)).status_code == 200
    assert app.code()


@pytest.mark.parametrize("role", ["ADMIN", "OPERATOR", "VIEWER"])
async def test_a_setting_asks_it_of_the_staff(tmp_path: Path, role: str) -> None:
    """Without one they reach their profile, to set it up, and no further."""
    async with housed(tmp_path, second_factor_for_staff=True) as house:
        ada = await house.as_("ada@example.org", role)
        if role == "VIEWER":
            assert (await ada.get("/api/cards")).status_code == 200
            return
        refused = await ada.get("/api/cards")
        assert refused.status_code == 403
        assert "second factor" in refused.json()["detail"]
        await with_factor(house, ada)
        assert (await ada.get("/api/cards")).status_code == 200
        await ada.post("/api/users/me/second-factor/remove", json={"password": PASSWORD})
        assert (await ada.get("/api/cards")).status_code == 403

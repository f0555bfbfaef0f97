"""The first administrator: by a file that only the machine's owner can read, once."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.csms_lite.accounts.house import PASSWORD, House, housed

ADA: dict[str, Any] = {
    "email": "ada@example.org",
    "name": "Ada",
    "surname": "Lovelace",
    "password": PASSWORD,
}


def token_of(house: House) -> str:
    return (house.state_dir / "setup-token").read_text().strip()


async def test_the_file_makes_one_administrator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is for its owner only, its secret is in no log, and it is gone after use."""
    async with housed(tmp_path) as house:
        token = token_of(house)
        said = capsys.readouterr()
        assert "setup-token" in said.out + said.err
        assert token not in said.out + said.err
        assert len(token) == 64
        assert stat.S_IMODE((tmp_path / "setup-token").stat().st_mode) == 0o600
        wrong = await house.client().post("/api/auth/setup", json=ADA | {"token": "é" * 64})
        assert wrong.status_code == 401
        done = await house.client().post("/api/auth/setup", json=ADA | {"token": token})
        assert (done.status_code, done.json()["role"]) == (201, "ADMIN")
        again = ADA | {"token": token, "email": "eve@example.org"}
        assert (await house.client().post("/api/auth/setup", json=again)).status_code == 409
        assert not (tmp_path / "setup-token").exists()
        ada = house.client((await house.sign_in("ada@example.org"))["access_token"])
        assert (await ada.get("/api/audit")).status_code == 200
    async with housed(tmp_path) as house:
        assert not (tmp_path / "setup-token").exists()


async def test_two_at_once_make_one_administrator(house: House) -> None:
    """The transaction decides, not the file."""
    token = token_of(house)
    answers = await asyncio.gather(
        *(
            house.client().post(
                "/api/auth/setup", json=ADA | {"token": token, "email": f"{name}@example.org"}
            )
            for name in ("ada", "eve")
        )
    )
    assert sorted(one.status_code for one in answers) == [201, 409]


async def test_a_refused_try_leaves_the_file(house: House) -> None:
    """A weak password costs a second try, not a journey to the machine."""
    body = ADA | {"token": token_of(house), "password": "short"}
    assert (await house.client().post("/api/auth/setup", json=body)).status_code == 422
    assert (await house.client().post("/api/auth/setup", json=body | ADA)).status_code == 201


async def test_guesses_are_limited(house: House) -> None:
    """Five a minute, from wherever."""
    answers = [
        await house.client(address=f"192.0.2.{number}").post(
            "/api/auth/setup", json=ADA | {"token": "guess"}
        )
        for number in range(6)
    ]
    assert [one.status_code for one in answers] == [401] * 5 + [429]


async def test_an_administrator_made_otherwise_closes_it(house: House) -> None:
    """The token of a first start is worthless once somebody administers."""
    await house.add("eve@example.org", "ADMIN")
    body = ADA | {"token": token_of(house)}
    assert (await house.client().post("/api/auth/setup", json=body)).status_code == 409


async def test_the_token_stays_the_same_until_it_is_used(tmp_path: Path) -> None:
    """A restart in between does not make the note in the installer's hand worthless."""
    async with housed(tmp_path) as house:
        token = token_of(house)
    async with housed(tmp_path) as house:
        assert token_of(house) == token

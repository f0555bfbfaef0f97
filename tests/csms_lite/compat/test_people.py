"""Seed D's driver by its own addresses: a password by mail, a charge begun and ended, the last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from tests.csms_lite.accounts.test_codes import NEW, posted
from tests.csms_lite.central import Central
from tests.csms_lite.charging.driver import now, ready
from tests.csms_lite.compat.test_seeds import PERSON, answered

BOB: Final = {**PERSON, "email": "bob@example.org"}


@asynccontextmanager
async def signed_in(central: Central, person: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    """Add an account as an administrator does, and sign in by the seed's address."""
    made = await central.http.post("/api/users", json={"role": "USER", **person})
    assert made.status_code == 201, made.text
    async with httpx.AsyncClient(base_url=central.addresses.http) as client:
        body = {name: person[name] for name in ("email", "password")}
        token = (await client.post("/auth/login", json=body)).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def test_a_driver_ends_his_own_charge_and_sees_it(central: Central) -> None:
    """D28, D29, D35: with his virtual tag; another driver has none of it."""
    async with (
        signed_in(central, PERSON) as ana,
        signed_in(central, BOB) as bob,
        ready(central) as (station, _),
    ):
        assert (await ana.get("/user/last_usage")).json() is None
        begin = ana.post("/station/1/start_charging")
        begun = (await answered(station, "RemoteStartTransaction", "Accepted", begin)).json()
        [command] = await central.get("/api/chargers/CP-1/commands")
        tag = command["payload"]["idTag"]
        number = (await station.start(tag=tag, at=now(), meter=1000))["transactionId"]
        assert number == begun["id"]
        assert (await bob.post("/station/1/stop_charging")).status_code == 404
        end = ana.post("/station/1/stop_charging")
        ended = await answered(station, "RemoteStopTransaction", "Accepted", end)
        assert (ended.status_code, ended.json()["id"]) == (200, number)
        await station.stop(number, meter=3500, at=now(), reason="Remote")
        last = (await ana.get("/user/last_usage")).json()
        assert (last["id"], last["state"], last["kw"]) == (number, "closed", 2.5)
        assert (await bob.get("/user/last_usage")).json() is None


async def test_a_driver_is_refused_in_words_what_is_the_staffs(central: Central) -> None:
    """D44: 403 with the role that it needs."""
    async with signed_in(central, BOB) as bob:
        for path, role in (("/user/all", "ADMIN"), ("/cps", "VIEWER")):
            answer = await bob.get(path)
            assert answer.status_code == 403
            assert f"needs the role {role}" in answer.json()["detail"]


async def test_a_password_is_replaced_by_the_seeds_addresses(tmp_path: Path) -> None:
    """D18, D20: asked for, sent by mail, used once."""
    async with posted(tmp_path) as post:
        anybody = post.house.client()
        assert (await anybody.post("/auth/register", json=PERSON)).status_code == 200
        post.house.clock.forward(60)
        mail = {"email": PERSON["email"]}
        assert (await anybody.post("/auth/resetPasswordToken", json=mail)).status_code == 200
        told = {**mail, "token": await post.token(), "password": NEW}
        done = await anybody.post("/auth/resetPassword", json=told)
        assert done.json() == {"message": "Password changed"}
        assert (await anybody.post("/auth/resetPassword", json=told)).status_code == 403
        post.house.clock.forward(60)
        for password, status in ((NEW, 200), (PERSON["password"], 401)):
            body = {**mail, "password": password}
            assert (await anybody.post("/auth/login", json=body)).status_code == status


async def test_no_password_is_kept_as_it_is(tmp_path: Path) -> None:
    """D9: a hash of argon2id, in every file that the store writes."""
    async with posted(tmp_path) as post:
        await post.house.client().post("/auth/register", json=PERSON)
        kept = stored_in(tmp_path)
    assert b"$argon2id$" in kept
    assert PERSON["password"].encode() not in kept


def stored_in(folder: Path) -> bytes:
    """All that the store has written so far, its write-ahead log included."""
    return b"".join(path.read_bytes() for path in folder.glob("csms.db*"))

"""Users pushed by a signed webhook: once, in order, by who knows the secret; never the staff."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx

from tests.csms_lite.accounts.house import House
from tests.csms_lite.accounts.test_outside import arrives, vouched

SECRET = b"s" * 32
WHSEC = "whsec_" + base64.b64encode(SECRET).decode()


class Pusher:
    """Who pushes users, with the secret."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.number = 0

    async def push(self, kind: str = "user.created", *, age_s: int = 0, **data: Any) -> int:
        told = {"id": "g-1", "email": "ana@example.org", "email_verified": True, "name": "Ana"}
        body = json.dumps({"type": kind, "data": {**told, "surname": "M", **data}})
        self.number += 1
        return (await self.send(body, self.headers(body, age_s=age_s))).status_code

    def headers(self, body: str, *, age_s: int = 0, prefix: str = "webhook") -> dict[str, str]:
        at = str(self.house.clock.now_ms() // 1000 - age_s)
        signed = f"msg-{self.number}.{at}.{body}".encode()
        right = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        return {
            f"{prefix}-id": f"msg-{self.number}",
            f"{prefix}-timestamp": at,
            f"{prefix}-signature": f"v1,bm8= v1,{right}",
        }

    async def send(self, body: str, headers: dict[str, str]) -> httpx.Response:
        return await self.house.client().post("/api/webhooks/users", content=body, headers=headers)

    async def users(self) -> list[Any]:
        return list((await self.house.host.get("/api/users")).json())


async def test_users_are_pushed_changed_and_deleted(tmp_path: Path) -> None:
    """And they sign in by the provider that pushed them, under the same subject."""
    async with vouched(tmp_path, users_webhook_secret=WHSEC) as (house, provider):
        pusher = Pusher(house)
        assert await pusher.push() == 204
        (ana,) = await pusher.users()
        assert (ana["name"], ana["role"], ana["is_verified"]) == ("Ana", "USER", True)
        assert (await arrives(house, provider)).json()["user"]["id"] == ana["id"]
        house.clock.forward(1)
        assert await pusher.push("user.updated", name="Anna", email="anna@example.org") == 204
        assert [(one["id"], one["name"]) for one in await pusher.users()] == [(ana["id"], "Anna")]
        house.clock.forward(1)
        assert await pusher.push("user.deleted") == 204
        assert await pusher.users() == []
        assert await pusher.push("user.updated", age_s=1) == 204
        assert await pusher.users() == []


async def test_a_webhook_counts_once_and_only_in_order(tmp_path: Path) -> None:
    """A replay, and an old one that comes late, change nothing."""
    async with vouched(tmp_path, users_webhook_secret=WHSEC) as (house, _):
        pusher = Pusher(house)
        body = json.dumps(
            {
                "type": "user.created",
                "data": {"id": "g-1", "email": "a@x.org", "email_verified": True},
            }
        )
        headers = pusher.headers(body)
        assert (await pusher.send(body, headers)).status_code == 204
        (made,) = await pusher.users()
        await house.host.patch(f"/api/users/{made['id']}", json={"name": "Changed"})
        assert (await pusher.send(body, headers)).status_code == 204
        assert (await pusher.users())[0]["name"] == "Changed"
        assert await pusher.push("user.updated", age_s=10, name="Old", email="a@x.org") == 204
        assert (await pusher.users())[0]["name"] == "Changed"
        house.clock.forward(301)
        assert (await pusher.send(body, headers)).status_code == 401


async def test_a_webhook_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Another secret, another body, another id, another time, no signature."""
    async with vouched(tmp_path, users_webhook_secret=WHSEC) as (house, _):
        pusher = Pusher(house)
        body = json.dumps({"type": "user.created", "data": {"id": "g-1", "email": "a@x.org"}})
        good = pusher.headers(body)
        at = int(good["webhook-timestamp"])
        for headers, sent in (
            (good, body + " "),
            (good | {"webhook-id": "msg-9"}, body),
            (good | {"webhook-timestamp": str(at + 1)}, body),
            (good | {"webhook-timestamp": "9" * 30}, body),
            (good | {"webhook-signature": good["webhook-signature"].replace("v1,", "v0,")}, body),
            (good | {"webhook-signature": "v1,"}, body),
            ({}, body),
            (pusher.headers(body, age_s=301), body),
            (pusher.headers(body, age_s=-301), body),
        ):
            assert (await pusher.send(sent, headers)).status_code == 401, headers
        assert await pusher.users() == []


async def test_a_webhook_does_not_reach_the_staff(tmp_path: Path) -> None:
    """Who has that secret could else take an administrator's address, or delete him."""
    async with vouched(tmp_path, users_webhook_secret=WHSEC) as (house, _):
        pusher = Pusher(house)
        await house.add("ada@example.org", "ADMIN")
        assert await pusher.push(email="ada@example.org") == 403
        assert await pusher.push() == 204
        ana = (await pusher.users())[-1]["id"]
        await house.host.patch(f"/api/users/{ana}", json={"role": "OPERATOR"})
        house.clock.forward(1)
        assert await pusher.push("user.updated", email="eve@example.org") == 403
        assert await pusher.push("user.deleted") == 403
        assert len(await pusher.users()) == 2


async def test_clerks_own_words_are_understood(tmp_path: Path) -> None:
    """Seed B's provider: names and addresses as it has them, its headers as Svix calls them."""
    async with vouched(tmp_path, users_webhook_secret=WHSEC) as (house, _):
        pusher = Pusher(house)
        data = {
            "id": "user_1",
            "first_name": "Ana",
            "last_name": None,
            "primary_email_address_id": "e2",
            "email_addresses": [
                {"id": "e1", "email_address": "old@example.org"},
                {
                    "id": "e2",
                    "email_address": "ana@example.org",
                    "verification": {"status": "verified"},
                },
            ],
        }
        body = json.dumps({"type": "user.created", "data": data})
        sent = await pusher.send(body, pusher.headers(body, prefix="svix"))
        assert sent.status_code == 204, sent.text
        (ana,) = await pusher.users()
        assert (ana["email"], ana["name"], ana["surname"]) == ("ana@example.org", "Ana", "Ana")

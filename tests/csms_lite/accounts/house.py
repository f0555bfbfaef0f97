"""The HTTP side with its people, in this process, under a clock that a test moves."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from csms_lite.accounts.office import Office, open_office
from csms_lite.accounts.passwords import password_thread
from csms_lite.chance import Chance
from csms_lite.gate import Gate
from csms_lite.house import furnish
from csms_lite.http import http_app
from csms_lite.settings import Settings
from csms_lite.stations.sheet import Sheet
from csms_lite.store.thread import open_database
from csms_lite.store.writer import Store, open_store
from csms_lite.web import token_check
from tests.csms_lite.inline import lay_empty_database

PASSWORD = "correct horse battery"
STATE_TOKEN = "the token of the state directory"


class HandClock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.ms = 1_790_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def forward(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@dataclass(kw_only=True)
class House:
    """What a test needs of the running HTTP side."""

    app: FastAPI
    store: Store
    office: Office
    clock: HandClock
    state_dir: Path

    def client(self, token: str | None = None, *, address: str = "192.0.2.1") -> httpx.AsyncClient:
        """Somebody with a browser at an address."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, client=(address, 4711)),
            base_url="http://here",
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    @property
    def host(self) -> httpx.AsyncClient:
        """Who can read the state directory."""
        return self.client(STATE_TOKEN)

    async def add(self, email: str, role: str = "USER") -> int:
        """Add an account of a role and give its number."""
        body = {"email": email, "name": "N", "surname": "S", "password": PASSWORD, "role": role}
        answer = await self.host.post("/api/users", json=body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    async def sign_in(self, email: str, *, address: str = "192.0.2.1") -> dict[str, Any]:
        """Sign in and give the tokens."""
        answer = await self.client(address=address).post(
            "/api/auth/login", json={"email": email, "password": PASSWORD}
        )
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def as_(self, email: str, role: str = "USER") -> httpx.AsyncClient:
        """Add somebody of a role and give him signed in."""
        await self.add(email, role)
        return self.client((await self.sign_in(email))["access_token"])


@asynccontextmanager
async def housed(state_dir: Path, **settings: Any) -> AsyncIterator[House]:
    """Run the HTTP side on a store in *state_dir* while the block lasts."""
    lay_empty_database(state_dir / "csms.db")
    clock, chance = HandClock(), Chance(random.Random(3))
    made = Settings(state_dir=state_dir, **settings)
    with password_thread() as passwords:
        async with open_store(
            state_dir / "csms.db", clock=clock, open_database=open_database
        ) as store:
            house = await furnish(made, store, clock, chance)
            office = await open_office(made, store, clock, chance, passwords)
            gate = Gate([token_check(STATE_TOKEN), *office.authenticators()])
            app = http_app(house, office, gate, Sheet(url="ws://here/ocpp", heartbeat_s=60))
            yield House(app=app, store=store, office=office, clock=clock, state_dir=state_dir)

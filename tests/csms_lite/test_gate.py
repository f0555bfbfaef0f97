"""Deny by default: every route names its role, and each role opens exactly what it may."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import BaseRoute, Mount

from csms_lite.accounts.office import open_office
from csms_lite.accounts.passwords import password_thread
from csms_lite.chance import Chance
from csms_lite.clock import SystemClock
from csms_lite.gate import Gate, Principal, Role
from csms_lite.house import furnish
from csms_lite.http import http_app
from csms_lite.messages.file import open_log
from csms_lite.oversight import oversee
from csms_lite.settings import Settings
from csms_lite.stations.presence import Presence
from csms_lite.stations.sheet import Sheet
from csms_lite.store.thread import open_database
from csms_lite.store.writer import open_store
from tests.csms_lite.inline import lay_empty_database

PUBLIC: Final = frozenset(
    {
        "GET /",
        "GET /c/{code}",
        "GET /auth/resetPasswordPage",
        "GET /connector",
        "GET /docs",
        "GET /station",
        "GET /station/{station}",
        "GET /station/{station}/last_charge",
        "GET /station/{station}/last_reservation",
        "POST /auth/login",
        "POST /auth/register",
        "POST /auth/resetPassword",
        "POST /auth/resetPasswordToken",
        "GET /files/down/{token}",
        "GET /files/down/{token}/{name:path}",
        "HEAD /files/down/{token}",
        "HEAD /files/down/{token}/{name:path}",
        "POST /files/up/{token}",
        "POST /files/up/{token}/{name:path}",
        "PUT /files/up/{token}",
        "PUT /files/up/{token}/{name:path}",
        "GET /api/docs",
        "GET /api/docs.css",
        "GET /api/openapi.json",
        "POST /api/auth/firebase",
        "POST /api/auth/login",
        "POST /api/auth/logout",
        "GET /auth/reset",
        "GET /auth/reset.js",
        "POST /api/auth/oidc",
        "POST /api/auth/oidc/begin",
        "POST /api/auth/refresh",
        "POST /api/auth/register",
        "POST /api/auth/reset",
        "POST /api/auth/reset/answer",
        "POST /api/auth/setup",
        "POST /api/auth/token",
        "GET /api/public/stations",
        "GET /api/public/stations/{code}",
        "POST /api/webhooks/users",
        "GET /api/public/stations/{code}/events",
        "GET /api/public/stations/{code}/status",
        "GET /health/live",
        "GET /health/ready",
        "WS /api/events/ws",  # its token comes in the first message
    }
)
"""Routes that need nobody to sign in; each is here by decision."""

SHEET: Final = Sheet(url="ws://here/ocpp", heartbeat_s=60)
PRINCIPALS: Final = {str(role): Principal(role=role, name=role) for role in Role}


async def by_role(token: str) -> Principal | None:
    """Let a token that is a role's name be somebody of that role."""
    return PRINCIPALS.get(token)


@pytest_asyncio.fixture
async def app(tmp_path: Path) -> AsyncIterator[FastAPI]:
    """The whole HTTP side on an empty store, with a principal for each role."""
    clock, chance = SystemClock(), Chance(random.Random(1))
    settings = Settings(state_dir=tmp_path)
    lay_empty_database(tmp_path / "c.db")
    with password_thread() as passwords:
        async with (
            open_store(tmp_path / "c.db", clock=clock, open_database=open_database) as store,
            open_log(tmp_path, clock=clock, open_database=open_database) as log_store,
        ):
            watch = oversee(
                settings, store, log_store, clock=clock, chance=chance, presence=Presence(0)
            )
            house = await furnish(settings, store, clock, chance, watch)
            office = await open_office(settings, store, clock, chance, passwords)
            async with asyncio.TaskGroup() as tasks:
                watch.end_streams()  # who is let in to one is refused it, and the test goes on
                feeding = tasks.create_task(house.feed.publish_on())
                yield http_app(house, office, Gate([by_role]), SHEET, watch)
                feeding.cancel()


def named(app: FastAPI) -> dict[str, APIRoute | APIWebSocketRoute]:
    """All routes but the static files, as METHOD PATH."""
    found: dict[str, APIRoute | APIWebSocketRoute] = {}

    def walk(routes: list[BaseRoute]) -> None:
        for route in routes:
            if isinstance(route, APIRoute):
                found.update({f"{method} {route.path}": route for method in route.methods or ()})
            elif isinstance(route, APIWebSocketRoute):
                found[f"WS {route.path}"] = route
            elif isinstance(route, Mount):
                assert route.path == "/hmi"
            else:
                included: Any = route  # FastAPI keeps an included router as one route
                walk(included.original_router.routes)

    walk(app.routes)
    return found


def role_of(route: APIRoute | APIWebSocketRoute) -> Role | None:
    """The least role that a route names."""
    roles = [
        one.call.__dict__["role"]
        for one in route.dependant.dependencies
        if one.call is not None and "role" in one.call.__dict__
    ]
    assert len(roles) <= 1, route.path
    return roles[0] if roles else None


def test_each_route_is_the_app_s_own(app: FastAPI) -> None:
    """A router that is included has its routes analysed anew at the first request by it."""
    assert {type(route) for route in app.routes} == {APIRoute, APIWebSocketRoute, Mount}


async def test_every_route_names_a_role_or_is_public(app: FastAPI) -> None:
    """A new route that forgets its role fails here."""
    routes = named(app)
    assert {name for name, route in routes.items() if role_of(route) is None} == PUBLIC
    assert len(routes) > len(PUBLIC) + 10


@pytest.mark.parametrize("role", [None, *Role])
async def test_each_role_opens_what_it_may_and_nothing_else(
    app: FastAPI, role: Role | None
) -> None:
    """401 for nobody, 403 for too low a role; anything else for who may come in."""
    headers = {"Authorization": f"Bearer {role}"} if role else {}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://here", headers=headers
    ) as http:
        for name, route in named(app).items():
            needed = role_of(route)
            if needed is None or isinstance(route, APIWebSocketRoute):
                continue
            method, path = name.split(" ")
            answer = await http.request(method, _filled(path), json=_no_body(method))
            may = role is not None and Principal(role=role, name="x").may(needed)
            expected = {401} if role is None else {403}
            assert (answer.status_code in expected) != may, (name, role, answer.status_code)
            assert answer.status_code in {*range(500), 501}, (name, answer.text)  # 501: to come


def _filled(path: str) -> str:
    """Put something in the place of each name: an entry that does not exist."""
    return "/".join("7" if part.startswith("{") else part for part in path.split("/"))


def _no_body(method: str) -> Any:
    return None if method in {"GET", "DELETE"} else {}


def test_a_role_may_what_lower_ones_may() -> None:
    """ADMIN, OPERATOR, VIEWER, USER: in this order."""
    table = [[Principal(role=one, name="x").may(other) for other in Role] for one in Role]
    assert table == [
        [True, True, True, True],
        [False, True, True, True],
        [False, False, True, True],
        [False, False, False, True],
    ]

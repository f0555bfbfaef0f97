"""HTTP routes on the own keys and the own second factor."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.routing import BaseRoute

from csms_lite.accounts import factors, keys
from csms_lite.accounts.bodies import (
    GUARDED,
    CodeBody,
    ConfirmBody,
    KeyBody,
    caller_of,
    key_answer,
    to_stored,
)
from csms_lite.accounts.door import Door, account_id_of
from csms_lite.accounts.rules import good_scopes
from csms_lite.accounts.users_api import Id
from csms_lite.audit.rules import actor
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.errors import Forbidden
from csms_lite.gate import Account, Admin, Newcomer
from csms_lite.store.writer import Store

WRONG_CODE: Final = "this is not the code that your authenticator app shows now"


def key_routes(store: Store, clock: Clock, chance: Chance, door: Door) -> APIRouter:
    """Make the routes on the own keys."""
    router = APIRouter(prefix="/api/users/me/keys", tags=["me"], responses=GUARDED)

    @router.get("")
    async def list_keys(who: Account) -> list[dict[str, Any]]:
        """List the own keys, without their secrets."""
        return [key_answer(one) for one in await store.read(keys.list_keys, account_id_of(who))]

    @router.post("", status_code=201)
    async def add_key(body: KeyBody, who: Account, request: Request) -> dict[str, Any]:
        """Make a key; this answer is the only one that has it whole."""
        scopes = good_scopes(body.scopes, tags_of(request.app.routes))
        expires_at_ms = to_stored(body.expires)
        mine = await door.confirmed(who, body.password, caller_of(request))
        secret = keys.new_secret(chance)
        key = await store.do(
            keys.add,
            mine.account_id,
            secret,
            name=body.name,
            scopes=scopes,
            expires_at_ms=expires_at_ms,
            who=actor(who, request),
            now_ms=clock.now_ms(),
        )
        return key_answer(key) | {"key": secret.text()}

    @router.delete("/{key}", status_code=204)
    async def remove_key(key: Id, who: Account, request: Request) -> Response:
        """Take a key back; it opens nothing from then on."""
        await store.do(
            keys.remove, account_id_of(who), key, who=actor(who, request), now_ms=clock.now_ms()
        )
        return Response(status_code=204)

    return router


def factor_routes(store: Store, clock: Clock, chance: Chance, door: Door) -> APIRouter:
    """Make the routes on second factors."""
    router = APIRouter(prefix="/api/users", tags=["me"], responses=GUARDED)

    @router.post("/me/second-factor", status_code=201)
    async def begin(body: ConfirmBody, who: Newcomer, request: Request) -> dict[str, Any]:
        """Begin a second factor: scan `address` as a QR code, then confirm its first code."""
        mine = await door.confirmed(who, body.password, caller_of(request))
        secret = factors.new_factor(chance)
        await store.do(
            factors.begin,
            mine.account_id,
            secret,
            who=actor(who, request),
            now_ms=clock.now_ms(),
        )
        return {"secret": secret, "address": factors.address_of(secret, mine.email or "")}

    @router.post("/me/second-factor/confirm")
    async def confirm(body: CodeBody, who: Newcomer, request: Request) -> dict[str, Any]:
        """Take the second factor into use; the recovery codes are shown this once."""
        recovery = factors.new_recovery_codes(chance)
        is_right = await store.do(
            factors.confirm,
            door.count_code(who),
            body.code,
            recovery,
            who=actor(who, request),
            now_ms=clock.now_ms(),
        )
        if not is_right:
            raise Forbidden(WRONG_CODE)
        return {"recovery_codes": list(recovery)}

    @router.post("/me/second-factor/remove", status_code=204)
    async def remove(body: ConfirmBody, who: Newcomer, request: Request) -> Response:
        """Take the own second factor away; needs the password, and a sign-in that had the code."""
        mine = await door.confirmed(who, body.password, caller_of(request))
        await store.do(
            factors.remove, mine.account_id, who=actor(who, request), now_ms=clock.now_ms()
        )
        return Response(status_code=204)

    return router


def factor_reset_routes(store: Store, clock: Clock) -> APIRouter:
    """Make the route for who has lost the second factor and all recovery codes."""
    router = APIRouter(prefix="/api/users", tags=["users"])

    @router.delete("/{user}/second-factor", status_code=204)
    async def reset(user: Id, who: Admin, request: Request) -> Response:
        """Take somebody's second factor away."""
        await store.do(factors.remove, user, who=actor(who, request), now_ms=clock.now_ms())
        return Response(status_code=204)

    return router


def tags_of(routes: list[BaseRoute]) -> frozenset[str]:
    """Give every tag that a route bears; FastAPI keeps an included router as one route."""
    found: set[str] = set()
    for route in routes:
        below: Any = getattr(route, "original_router", None)
        found.update(getattr(route, "tags", ()) if below is None else tags_of(below.routes))
    return frozenset(found)

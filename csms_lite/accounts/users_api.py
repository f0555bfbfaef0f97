"""HTTP routes on accounts: everybody's own, and those of the staff on others."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from csms_lite.accounts import service, sign_ins
from csms_lite.accounts.bodies import (
    GUARDED,
    EmailBody,
    NewUserBody,
    PageQuery,
    PasswordBody,
    ProfileBody,
    UserBody,
    caller_of,
    changes_of,
    sign_in_answer,
    token_answer,
    user_answer,
)
from csms_lite.accounts.door import Door, account_id_of
from csms_lite.audit.api import LARGEST_ID
from csms_lite.audit.rules import actor
from csms_lite.clock import Clock
from csms_lite.gate import Admin, Newcomer, Operator
from csms_lite.store.writer import Store

Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]


def own_routes(store: Store, clock: Clock, door: Door) -> APIRouter:
    """Make the routes on the own account: each query is given who asks, and nobody else."""
    router = APIRouter(prefix="/api/users/me", tags=["me"], responses=GUARDED)

    @router.get("")
    async def get_me(who: Newcomer) -> dict[str, Any]:
        """Give the own account, and what must be done first."""
        mine = await store.read(service.account, account_id_of(who))
        return user_answer(mine) | {"first": who.first}

    @router.patch("")
    async def change_me(body: ProfileBody, who: Newcomer, request: Request) -> dict[str, Any]:
        """Change the own name or language."""
        mine = await store.do(
            service.change,
            account_id_of(who),
            changes_of(body),
            who=actor(who, request),
            now_ms=clock.now_ms(),
        )
        return user_answer(mine)

    @router.put("/password")
    async def change_password(
        body: PasswordBody, who: Newcomer, request: Request
    ) -> dict[str, Any]:
        """Change the own password: ends every sign-in, and answers with a new one."""
        tokens = await door.change_password(
            who, body.old, body.new, caller_of(request), actor(who, request)
        )
        return token_answer(tokens)

    @router.put("/email")
    async def change_email(body: EmailBody, who: Newcomer, request: Request) -> dict[str, Any]:
        """Change the own mail address, which is then to be verified; needs the password."""
        account = await door.confirmed(who, body.password, caller_of(request))
        mine = await store.do(
            service.change,
            account.account_id,
            {"email": body.email},
            who=actor(who, request),
            now_ms=clock.now_ms(),
        )
        return user_answer(mine)

    @router.get("/sign-ins")
    async def list_sign_ins(who: Newcomer) -> list[dict[str, Any]]:
        """List where the own account is signed in."""
        mine = await store.read(sign_ins.list_sign_ins, account_id_of(who), clock.now_ms())
        return [sign_in_answer(one, who.sign_in_id) for one in mine]

    @router.delete("/sign-ins/{sign_in}", status_code=204)
    async def end_sign_in(sign_in: Id, who: Newcomer) -> Response:
        """End one of the own sign-ins."""
        await store.do(sign_ins.end, account_id_of(who), sign_in)
        return Response(status_code=204)

    return router


def user_routes(store: Store, clock: Clock) -> APIRouter:
    """Make the routes by which the staff looks at accounts, and is seen to."""
    router = APIRouter(prefix="/api/users", tags=["users"])

    @router.get("")
    async def list_users(
        who: Operator,
        request: Request,
        page: Annotated[PageQuery, Query()],
    ) -> list[dict[str, Any]]:
        """List accounts; the next page comes *after* the last one's id."""
        found = await store.do(
            service.listed,
            after=page.after,
            count=page.count,
            role=page.role,
            search=page.search,
            who=actor(who, request),
            now_ms=clock.now_ms(),
        )
        return [user_answer(one) for one in found]

    @router.get("/{user}")
    async def get_user(user: Id, who: Operator, request: Request) -> dict[str, Any]:
        """Give one account."""
        found = await store.do(service.viewed, user, actor(who, request), clock.now_ms())
        return user_answer(found)

    return router


def user_changes(store: Store, clock: Clock, door: Door) -> APIRouter:
    """Make the routes by which administrators change accounts."""
    router = APIRouter(prefix="/api/users", tags=["users"])

    @router.post("", status_code=201)
    async def add_user(body: NewUserBody, who: Admin, request: Request) -> dict[str, Any]:
        """Add an account of any role; its address counts as verified."""
        hashed = await door.hashed(body.password, body.email)
        added = await store.do(
            service.add,
            body.person(),
            hashed,
            role=body.role,
            is_verified=True,
            who=actor(who, request),
            now_ms=clock.now_ms(),
        )
        return user_answer(added)

    @router.patch("/{user}")
    async def change_user(user: Id, body: UserBody, who: Admin, request: Request) -> dict[str, Any]:
        """Change an account; a new role or disabling ends its sign-ins."""
        changed = await store.do(
            service.change,
            user,
            changes_of(body),
            who=actor(who, request),
            now_ms=clock.now_ms(),
        )
        return user_answer(changed)

    @router.post("/{user}/sign-out", status_code=204)
    async def sign_out_user(user: Id, who: Admin, request: Request) -> Response:
        """End every sign-in of an account."""
        await store.do(sign_ins.end_all, user, who=actor(who, request), now_ms=clock.now_ms())
        return Response(status_code=204)

    @router.delete("/{user}", status_code=204)
    async def delete_user(user: Id, who: Admin, request: Request) -> Response:
        """Forget who an account was: its sessions and bills stay, without a name."""
        await store.do(service.delete, user, who=actor(who, request), now_ms=clock.now_ms())
        return Response(status_code=204)

    return router

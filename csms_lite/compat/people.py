"""Seed D's routes on people: `/auth/…` and `/user…`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse

from csms_lite.accounts import service
from csms_lite.accounts.bodies import caller_of
from csms_lite.accounts.door import Caller, Door, Tokens, account_id_of
from csms_lite.accounts.mail_api import ON_ITS_WAY, PAGE, MailDesk, NewPasswordBody
from csms_lite.accounts.rules import Account as Person
from csms_lite.accounts.rules import Person as NewPerson
from csms_lite.accounts.rules import good_password
from csms_lite.accounts.tokens import ACCESS_S, LONGEST
from csms_lite.audit.rules import actor
from csms_lite.clock import Clock
from csms_lite.compat.shapes import (
    LARGEST_ID,
    NO_ACCOUNT,
    TOO_MANY,
    AdminTold,
    CredentialsTold,
    EmailTold,
    Message,
    PersonTold,
    ProfileTold,
    ResetTold,
    Signed,
    Usage,
    User,
    usage,
)
from csms_lite.errors import Unacceptable
from csms_lite.gate import Account, Admin, Newcomer, Principal, Role
from csms_lite.sessions.service import list_sessions
from csms_lite.store.writer import Store

NO_LIMIT = 2**62  # above every transaction number
UserId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


def auth_routes(door: Door, mail: MailDesk) -> APIRouter:
    """Make the routes under /auth."""
    router = APIRouter(prefix="/auth", tags=["auth"])

    @router.post("/register", responses=TOO_MANY | {403: {}})
    async def register(body: PersonTold, request: Request) -> Signed:
        """Make an account and give its access token."""
        person = NewPerson(body.email, body.name, body.surname, body.language)
        return _signed(await door.register(person, body.password, caller_of(request)))

    @router.post("/login", responses=TOO_MANY | {401: {}, 403: {}})
    async def login(body: CredentialsTold, request: Request) -> Signed:
        """Sign in and give an access token."""
        return _signed(await door.sign_in(body.email, body.password, caller_of(request), body.code))

    @router.get("/validateToken")
    async def validate(_who: Newcomer) -> Message:
        """Say that the token is good."""
        return Message(message="Valid token")

    @router.post("/resetPasswordToken", responses=TOO_MANY)
    async def ask_reset(body: EmailTold, request: Request) -> Message:
        """Send a mail by which a new password can be set."""
        await mail.ask_reset(body.email, caller_of(request).address)
        return Message(message=ON_ITS_WAY)

    @router.get("/resetPasswordPage", response_class=RedirectResponse, status_code=307)
    async def reset_page(
        token: Annotated[str, Query(max_length=LONGEST)] = "",
    ) -> RedirectResponse:
        """Lead to the form for a new password; the token alone opens nothing but the form."""
        return RedirectResponse(f"{PAGE}#{quote(token, safe='')}", 307)

    @router.post("/resetPassword", responses=TOO_MANY | {403: {}})
    async def reset(body: ResetTold, request: Request) -> Message:
        """Set a new password by the token of the mail."""
        told = NewPasswordBody(token=body.token, password=body.password)
        await mail.reset(told, caller_of(request).address)
        return Message(message="Password changed")

    return router


def own_routes(store: Store, clock: Clock, door: Door) -> APIRouter:
    """Make the routes under /user on the own account."""
    router = APIRouter(prefix="/user", tags=["me"])  # which no key is granted

    @router.get("", responses=NO_ACCOUNT)
    async def get_me(who: Newcomer) -> User:
        """Give the own account."""
        return _user(await store.read(service.account, account_id_of(who)))

    @router.get("/last_usage", responses=NO_ACCOUNT)
    async def last_usage(who: Account) -> Usage | None:
        """Give the own last charge."""
        wanted = {"user_id": account_id_of(who)}
        found = await store.read(list_sessions, wanted, NO_LIMIT, 1)
        return usage(found[0]) if found else None

    @router.patch("", responses=TOO_MANY)
    async def change_me(body: ProfileTold, who: Newcomer, request: Request) -> User:
        """Change the own account; a new password ends every sign-in."""
        caller, acting = caller_of(request), actor(who, request)
        await _prove(door, body, who, caller)
        told = body.model_dump(exclude_none=True, include={"name", "surname", "email"})
        changed = await store.do(
            service.change, account_id_of(who), told, who=acting, now_ms=clock.now_ms()
        )
        if body.password is not None:
            given = body.current_password or ""
            await door.change_password(who, given, body.password, caller, acting)
        return _user(changed)

    return router


def admin_routes(store: Store, clock: Clock) -> APIRouter:
    """Make the routes under /user for administrators."""
    router = APIRouter(prefix="/user", tags=["me"])  # which no key is granted

    @router.get("/all")
    async def list_users(
        who: Admin,
        request: Request,
        after: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0,
        count: Annotated[int, Query(ge=1, le=1000)] = 1000,
    ) -> list[User]:
        """List all accounts."""
        found = await store.do(
            service.listed,
            after=after,
            count=count,
            role=None,
            search="",
            who=actor(who, request),
            now_ms=clock.now_ms(),
        )
        return [_user(one) for one in found]

    @router.patch("/{user}/set_user_admin")
    async def set_admin(user: UserId, body: AdminTold, who: Admin, request: Request) -> User:
        """Make somebody an administrator, or a user again."""
        known = await store.read(service.account, user)
        is_admin = known.role == Role.ADMIN
        role = known.role if is_admin == body.is_admin else _role(is_admin=body.is_admin)
        changed = await store.do(
            service.change, user, {"role": role}, who=actor(who, request), now_ms=clock.now_ms()
        )
        return _user(changed)

    return router


async def _prove(door: Door, body: ProfileTold, who: Principal, caller: Caller) -> None:
    """Ask for the password where a new address or password is told; raises `Forbidden`."""
    if body.email is None and body.password is None:
        return
    if body.current_password is None:
        raise Unacceptable("a new address or password needs current_password")
    if body.password is not None:
        good_password(body.password, body.email or "")  # before anything is changed
    await door.confirmed(who, body.current_password, caller)


def _role(*, is_admin: bool) -> Role:
    return Role.ADMIN if is_admin else Role.USER


def _signed(tokens: Tokens) -> Signed:
    return Signed(token=tokens.access, refresh_token=tokens.refresh, expires_in=ACCESS_S)


def _user(account: Person) -> User:
    return User(
        id=account.account_id,
        name=account.name,
        surname=account.surname,
        email=account.email,
        is_admin=account.role == Role.ADMIN,
    )

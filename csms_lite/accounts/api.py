"""HTTP routes by which people come in and go."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response

from csms_lite.accounts.bodies import (
    CODE_LENGTH,
    GUARDED,
    CredentialsBody,
    PersonBody,
    RefreshBody,
    SetupBody,
    caller_of,
    token_answer,
    user_answer,
)
from csms_lite.accounts.door import Door
from csms_lite.accounts.mail_api import MailDesk
from csms_lite.accounts.rules import EMAIL_LENGTH, LONGEST_PASSWORD
from csms_lite.accounts.setup import Setup
from csms_lite.errors import NotSetUp, Refused, TooMany
from csms_lite.gate import Newcomer


def auth_routes(door: Door, setup: Setup, desk: MailDesk) -> APIRouter:
    """Make the routes to register, sign in, refresh and sign out."""
    router = APIRouter(prefix="/api/auth", tags=["auth"], responses=GUARDED)
    _sign_in_routes(router, door)

    @router.post("/register", status_code=201)
    async def register(body: PersonBody, request: Request) -> dict[str, Any]:
        """Make an account of the role USER; until its address is verified it opens the profile."""
        caller = caller_of(request)
        tokens = await door.register(body.person(), body.password, caller)
        with suppress(NotSetUp, TooMany, Refused):  # then he asks for the code himself, later
            await desk.ask_verification(tokens.account.account_id, caller.address)
        return token_answer(tokens)

    @router.post("/refresh")
    async def refresh(body: RefreshBody, request: Request) -> dict[str, Any]:
        """Give new tokens for a refresh token, which is good once."""
        return token_answer(await door.refresh(body.refresh_token, caller_of(request)))

    @router.post("/logout", status_code=204)
    async def logout(body: RefreshBody) -> Response:
        """End the sign-in of a refresh token, with its access tokens."""
        await door.sign_out(body.refresh_token)
        return Response(status_code=204)

    @router.get("/validate")
    async def validate(who: Newcomer) -> dict[str, Any]:
        """Say whose token this is, and what its bearer must do first."""
        return {
            "message": "Valid token",
            "role": who.role,
            "user": who.user_id,
            "first": who.first,
        }

    @router.post("/setup", status_code=201)
    async def set_up(body: SetupBody, request: Request) -> dict[str, Any]:
        """Make the first administrator, with the token that lies in the state directory."""
        caller = caller_of(request)
        return user_answer(await setup.make_admin(body.token, body.person(), body.password, caller))

    return router


def _sign_in_routes(router: APIRouter, door: Door) -> None:
    @router.post("/login")
    async def login(body: CredentialsBody, request: Request) -> dict[str, Any]:
        """Sign in by mail address and password."""
        return token_answer(
            await door.sign_in(body.email, body.password, caller_of(request), body.code)
        )

    @router.post("/token")
    async def token(
        request: Request,
        username: Annotated[str, Form(max_length=EMAIL_LENGTH)],
        password: Annotated[str, Form(max_length=4 * LONGEST_PASSWORD)],
        grant_type: Annotated[Literal["password"], Form()] = "password",
        code: Annotated[str | None, Form(max_length=CODE_LENGTH)] = None,
    ) -> dict[str, Any]:
        """Sign in by OAuth2's password flow (RFC 6749 4.3): *username* is the mail address."""
        assert grant_type == "password"  # the form takes nothing else
        return token_answer(await door.sign_in(username, password, caller_of(request), code))

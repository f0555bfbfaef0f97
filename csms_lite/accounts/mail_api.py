"""HTTP routes by which an address is verified and a forgotten password replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from pydantic import model_validator

from csms_lite.accounts import codes, service
from csms_lite.accounts.bodies import (
    GUARDED,
    Body,
    Code,
    CodeBody,
    Email,
    Password,
    Token,
    caller_of,
    user_answer,
)
from csms_lite.accounts.codes import Seal
from csms_lite.accounts.door import Door, account_id_of
from csms_lite.accounts.limits import Limit, MailLimits, Rate
from csms_lite.accounts.rules import email_key
from csms_lite.audit.rules import actor, address_of
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.errors import Forbidden, Refused
from csms_lite.gate import Newcomer, Principal
from csms_lite.mail.postman import Postman
from csms_lite.store.writer import Store

PAGES: Final = Path(__file__).parent / "pages"
PAGE: Final = "/auth/reset"
WRONG: Final = "this code or link is wrong, used or too old: ask for a new mail"
ON_ITS_WAY: Final = "if this address has an account, a mail is on its way to it"


class ResetBody(Body):
    """Whose password is forgotten."""

    email: Email


class NewPasswordBody(Body):
    """A new password, and either the token of the link or the address with its code."""

    token: Token | None = None
    email: Email | None = None
    code: Code | None = None
    password: Password

    @model_validator(mode="after")
    def _has_one_proof(self) -> NewPasswordBody:
        by_code = self.email is not None and self.code is not None
        if (self.token is not None) == by_code:
            raise ValueError("send the token of the link, or the email with its code")
        return self


class MailDesk:
    """Asks for mails and takes what was in them."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chance: Chance,
        *,
        door: Door,
        postman: Postman,
        seal: Seal,
        public_url: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._door = door
        self._postman = postman
        self._seal = seal
        self._page = public_url.rstrip("/") + PAGE
        self._limits = MailLimits(clock)
        self._answers = Limit(clock, "codes from your address", Rate(30, 3600))

    async def ask_verification(self, account_id: int, address: str) -> None:
        """Send a code to the account's own address.

        Raises `NotSetUp`, `TooMany`, `Refused`.
        """
        self._postman.check()
        found = await self._store.read(service.account, account_id)
        if found.is_verified or found.email is None:
            raise Refused("your mail address is verified already")
        self._limits.take(address, email_key(found.email))
        await self._store.do(
            codes.ask_verification,
            account_id,
            codes.new_code(self._chance),
            seal=self._seal,
            now_ms=self._clock.now_ms(),
        )
        self._postman.ring()

    async def ask_reset(self, email: str, address: str) -> None:
        """Send a link and a code, if the address has an account; raises `NotSetUp`, `TooMany`."""
        self._postman.check()
        key = email_key(email)
        self._limits.take(address, key)
        await self._store.do(
            codes.ask_reset,
            key,
            codes.new_code(self._chance),
            page=self._page,
            seal=self._seal,
            now_ms=self._clock.now_ms(),
        )
        self._postman.ring()

    async def verify(self, who: Principal, request: Request, digits: str) -> dict[str, Any]:
        """Take a code for the own address; raises `Forbidden` for a wrong one, `TooMany`."""
        self._answers.take(address_of(request))
        verified = await self._store.do(
            codes.verify,
            account_id_of(who),
            digits,
            seal=self._seal,
            who=actor(who, request),
            now_ms=self._clock.now_ms(),
        )
        if verified is None:
            raise Forbidden(WRONG)
        return user_answer(verified)

    async def reset(self, body: NewPasswordBody, address: str) -> None:
        """Set a new password by what was in the mail; raises `Forbidden`, `TooMany`."""
        self._answers.take(address)
        key = "" if body.email is None else email_key(body.email)
        hashed = await self._door.hashed(body.password, key)
        now_ms = self._clock.now_ms()
        if body.token is not None:
            is_done = await self._store.do(
                codes.reset_by_token, body.token, hashed, address=address, now_ms=now_ms
            )
        else:
            is_done = await self._store.do(
                codes.reset_by_digits,
                key,
                body.code or "",
                hashed,
                seal=self._seal,
                address=address,
                now_ms=now_ms,
            )
        if not is_done:
            raise Forbidden(WRONG)


def mail_routes(desk: MailDesk) -> APIRouter:
    """Make the routes on codes by mail, and the page that a link opens."""
    router = APIRouter(tags=["auth"], responses=GUARDED)

    @router.post("/api/users/me/verification", status_code=202, tags=["me"])
    async def ask_verification(who: Newcomer, request: Request) -> dict[str, str]:
        """Send a code of six digits to the own mail address; good for ten minutes."""
        await desk.ask_verification(account_id_of(who), caller_of(request).address)
        return {"message": "a code is on its way to your mail address"}

    @router.post("/api/users/me/verification/answer", tags=["me"])
    async def verify(body: CodeBody, who: Newcomer, request: Request) -> dict[str, Any]:
        """Show by the code that the mail address is one's own; five tries."""
        return await desk.verify(who, request, body.code)

    @router.post("/api/auth/reset", status_code=202)
    async def ask_reset(body: ResetBody, request: Request) -> dict[str, str]:
        """Send a link and a code for a new password; the answer is the same for any address."""
        await desk.ask_reset(body.email, caller_of(request).address)
        return {"message": ON_ITS_WAY}

    @router.post("/api/auth/reset/answer")
    async def reset(body: NewPasswordBody, request: Request) -> dict[str, str]:
        """Set the new password, by link or code; ends every sign-in."""
        await desk.reset(body, caller_of(request).address)
        return {"message": "your password is changed: sign in with it"}

    @router.get(PAGE, include_in_schema=False)
    async def reset_page() -> FileResponse:
        """Show the form that a link in a mail opens."""
        return FileResponse(PAGES / "reset.html", headers={"cache-control": "no-store"})

    @router.get(PAGE + ".js", include_in_schema=False)
    async def reset_script() -> FileResponse:
        """Give the form's script."""
        return FileResponse(PAGES / "reset.js", media_type="text/javascript")

    return router

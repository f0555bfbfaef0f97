"""What all HTTP routes share: the first token, problem documents, headers, a bound on bodies."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from csms_lite.errors import CsmsError, NotAllowed, TooMany, VerbFailed
from csms_lite.gate import Authenticator, Principal, Role
from edge.hmi.files import HEADERS

PROBLEM: Final = "application/problem+json"  # RFC 9457
MAX_BODY: Final = 64 * 1024  # bytes; the largest request is a charging profile
FILES: Final = "/api/files"  # whose bodies are files, bounded where they are written
UPLOADS: Final = "/files/up/"
UNUSABLE: Final[Mapping[type[Exception], str]] = {
    OverflowError: "a number in this request is too large: 64 bits hold any of ours",
    RecursionError: "this request is nested too deeply: nothing of ours goes beyond ten levels",
    UnicodeEncodeError: "a text in this request is no Unicode: half of a surrogate pair is alone",
}
"""What storing and writing raise for values of the caller's that no type here rules out."""
PUBLIC: Final = "/api/public/"  # what drivers see; a site on another host may show it
OPEN: Final = {"access-control-allow-origin": "*", "access-control-expose-headers": "date"}
PAGES: Final = "/hmi/"  # files alike for everybody; all else may be somebody's own
MAX_ID: Final = 2**53  # what JSON numbers carry exactly everywhere


def token_check(token: str) -> Authenticator:
    """Make the authenticator of the token in the state directory: who can read it, may all."""
    expected = token.encode()
    host = Principal(role=Role.ADMIN, name="the token of the state directory")

    async def check(given: str) -> Principal | None:
        return host if hmac.compare_digest(given.encode(), expected) else None

    return check


def add_problems(app: FastAPI) -> None:
    """Make every error a problem document that says what to do."""

    async def _unusable(_request: Request, error: Exception) -> JSONResponse:
        return problem(422, "This request cannot be used", str(_why_unusable(error)))

    for kind in UNUSABLE:
        app.add_exception_handler(kind, _unusable)

    @app.exception_handler(CsmsError)
    async def _ours(_request: Request, error: CsmsError) -> JSONResponse:
        why = _why_unusable(error.__cause__) if isinstance(error, VerbFailed) else None
        if why is not None:
            return problem(422, "This request cannot be used", why)
        response = problem(error.status, error.title, str(error))
        if isinstance(error, NotAllowed):
            response.headers["www-authenticate"] = "Bearer"
        if isinstance(error, TooMany):
            response.headers["retry-after"] = str(error.retry_after_s)
        return response

    @app.exception_handler(RequestValidationError)
    async def _unreadable(_request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [
            {"at": ".".join(str(part) for part in one["loc"]), "wrong": one["msg"]}
            for one in error.errors()
        ]
        detail = "; ".join(f"{one['at']}: {one['wrong']}" for one in wrong)
        return problem(422, "This request cannot be used", detail, errors=wrong)

    @app.exception_handler(HTTPException)
    async def _plain(request: Request, error: HTTPException) -> JSONResponse:
        detail = f"{request.method} {request.url.path}: {error.detail}"
        return problem(error.status_code, HTTPStatus(error.status_code).phrase, detail)


def _why_unusable(error: BaseException | None) -> str | None:
    return next((why for kind, why in UNUSABLE.items() if isinstance(error, kind)), None)


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """Write a problem document."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, media_type=PROBLEM)


class Guard:
    """Put the security headers on every answer, and refuse bodies larger than any of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(PUBLIC):
                    headers.update(OPEN)
                if not scope["path"].startswith(PAGES):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        if scope["path"] == FILES or scope["path"].startswith(UPLOADS):
            await self._app(scope, receive, send_guarded)
            return
        seen = 0

        async def receive_bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                raise HTTPException(413, f"a request body holds at most {MAX_BODY} bytes")
            return message

        await self._app(scope, receive_bounded, send_guarded)

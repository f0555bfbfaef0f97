"""HTTP routes for people whom somebody else vouches for."""

from __future__ import annotations

from typing import Annotated, Any, Final, Protocol, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import Field

from csms_lite.accounts import identities
from csms_lite.accounts.bodies import GUARDED, Body, Code, caller_of, token_answer
from csms_lite.accounts.door import Door
from csms_lite.accounts.identities import Identity
from csms_lite.accounts.oidc import Provider
from csms_lite.accounts.webhook import check_signature, read_identity
from csms_lite.audit.rules import Actor, address_of
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.errors import NotSetUp, Unacceptable
from csms_lite.jsontext import loads
from csms_lite.store.writer import Store

P = TypeVar("P")

OIDC: Final = "oidc"  # a provider's webhook tells of the people who sign in with it
GONE: Final = "user.deleted"
TYPES: Final = ("user.created", "user.updated", GONE)

Text = Annotated[str, Field(min_length=1, max_length=4096)]
Verifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{43,128}$")]


class Vouching(Protocol):
    """Who can say whom an ID token stands for."""

    async def identity(self, token: str, *, nonce: str | None) -> Identity:
        """Give whom it stands for; raises `NotAllowed`, `ProviderFailed`."""
        ...


class FinishBody(Body):
    """What the provider sent the browser back with, and the verifier that it kept."""

    code: Text
    verifier: Verifier
    second_factor: Code | None = None


class IdTokenBody(Body):
    """An ID token of Firebase."""

    id_token: Text
    second_factor: Code | None = None


def provider_routes(
    door: Door, chance: Chance, oidc: Provider | None, firebase: Vouching | None
) -> APIRouter:
    """Make the routes to sign in by a provider."""
    router = APIRouter(prefix="/api/auth", tags=["auth"], responses=GUARDED)

    @router.post("/oidc/begin")
    async def begin(request: Request) -> dict[str, str]:
        """Give where to sign in; keep `verifier` in this browser, and compare `state` on return."""
        provider = _set_up(oidc, "OIDC_ISSUER and _OIDC_CLIENT_ID")
        door.count_arrival(address_of(request))
        begun = await provider.begin(chance.token(), chance.token())
        return begun._asdict()

    @router.post("/oidc")
    async def finish(body: FinishBody, request: Request) -> dict[str, Any]:
        """Sign in with the code that the provider gave."""
        provider = _set_up(oidc, "OIDC_ISSUER and _OIDC_CLIENT_ID")
        door.count_arrival(address_of(request))
        identity = await provider.finish(body.code, body.verifier)
        tokens = await door.arrive(identity, caller_of(request), body.second_factor)
        return token_answer(tokens)

    @router.post("/firebase")
    async def firebase_token(body: IdTokenBody, request: Request) -> dict[str, Any]:
        """Exchange an ID token of Firebase for our own tokens."""
        provider = _set_up(firebase, "FIREBASE_PROJECT")
        door.count_arrival(address_of(request))
        identity = await provider.identity(body.id_token, nonce=None)
        tokens = await door.arrive(identity, caller_of(request), body.second_factor)
        return token_answer(tokens)

    return router


def webhook_routes(store: Store, clock: Clock, secret: bytes | None) -> APIRouter:
    """Make the route that takes pushed users."""
    router = APIRouter(prefix="/api/webhooks", tags=["auth"], responses=GUARDED)

    @router.post("/users", status_code=204)
    async def push_user(request: Request) -> Response:
        """Take a user that was created, updated or deleted elsewhere: a signed webhook."""
        if secret is None:
            raise NotSetUp("no users are pushed here: set TAPWATT_CSMS_USERS_WEBHOOK_SECRET")
        body = await request.body()
        now_ms = clock.now_ms()
        signed = check_signature(secret, request.headers, body, now_ms)
        kind, data = _told(body)
        await store.do(
            identities.pushed,
            identities.Webhook(signed.webhook_id, signed.sent_at_ms, is_gone=kind == GONE),
            read_identity(OIDC, data, is_gone=kind == GONE),
            who=Actor("the webhook of users", None, address_of(request)),
            now_ms=now_ms,
        )
        return Response(status_code=204)

    return router


def _told(body: bytes) -> tuple[str, dict[str, Any]]:
    try:
        told = loads(body.decode())
    except ValueError as failure:
        raise Unacceptable("the body is no JSON") from failure
    kind, data = (told.get("type"), told.get("data")) if isinstance(told, dict) else (None, None)
    if kind not in TYPES or not isinstance(data, dict):
        raise Unacceptable(f"the body is {{type, data}}, type one of {', '.join(TYPES)}")
    return kind, data


def _set_up(provider: P | None, names: str) -> P:
    if provider is None:
        raise NotSetUp(f"this way to sign in is not set up: TAPWATT_CSMS_{names}")
    return provider

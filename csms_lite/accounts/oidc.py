"""Sign-in with an OpenID Connect provider: authorization code with PKCE, and its ID tokens.

Nothing is kept here between the two halves of a sign-in: the browser that began it holds the
verifier, so that a code which somebody else began is worth nothing to it (login CSRF). The nonce
is made of the verifier. Firebase's ID tokens are OpenID Connect too; only they come finished.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import httpx
import jwt

from csms_lite.accounts.identities import Identity
from csms_lite.accounts.rules import NAME_LENGTH, Person
from csms_lite.clock import Clock
from csms_lite.errors import NotAllowed, ProviderFailed
from csms_lite.jsontext import loads

ALGORITHMS: Final = ["RS256", "ES256"]
WITHIN_S: Final = 10.0
LARGEST: Final = 256 * 1024  # bytes of any answer of a provider
KEPT_S: Final = 3600.0  # of what a provider says of itself
KEYS_KEPT_S: Final = 60.0  # a new key is looked for at most so often
SKEW_S: Final = 60
LONGEST_SUBJECT: Final = 128
FIREBASE: Final = "https://securetoken.google.com/"


class Begun(NamedTuple):
    """Where to send a browser, and what it must keep for the second half."""

    address: str
    verifier: str
    state: str


class _Fetched(NamedTuple):
    at_s: float
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """A provider as the installer names it."""

    name: str
    issuer: str
    client_id: str
    client_secret: str | None = None
    redirect: str = ""


class Provider:
    """One provider: what it says of itself is fetched when needed, and kept for a while."""

    def __init__(self, told: ProviderSettings, clock: Clock) -> None:
        self.told = told
        self._clock = clock
        self._found: _Fetched | None = None
        self._keys: _Fetched | None = None

    async def begin(self, verifier: str, state: str) -> Begun:
        """Give where a browser signs in; raises `ProviderFailed`."""
        found = await self._discover()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self.told.client_id,
            "redirect_uri": self.told.redirect,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce_of(verifier),
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return Begun(f"{found['authorization_endpoint']}?{urlencode(query)}", verifier, state)

    async def finish(self, code: str, verifier: str) -> Identity:
        """Exchange a code for whom it stands for; raises `NotAllowed`, `ProviderFailed`."""
        found = await self._discover()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.told.redirect,
            "client_id": self.told.client_id,
            "code_verifier": verifier,
        }
        if self.told.client_secret is not None:
            form["client_secret"] = self.told.client_secret
        answer = await _fetch("POST", found["token_endpoint"], form)
        token = answer.get("id_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise NotAllowed("the provider does not know this code: begin again")
        return await self.identity(token, nonce=nonce_of(verifier))

    async def identity(self, token: str, *, nonce: str | None) -> Identity:
        """Give whom an ID token stands for; raises `NotAllowed`, `ProviderFailed`."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid")))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self.told.client_id,
                issuer=self.told.issuer,
                options={
                    "require": ["iss", "aud", "exp", "iat", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            self._check_times(claims)
        except (jwt.PyJWTError, ValueError, TypeError) as failure:
            raise NotAllowed("this ID token is not good here: sign in anew") from failure
        if nonce is not None and claims.get("nonce") != nonce:
            raise NotAllowed("this ID token was made for another sign-in: begin again")
        return identity_of(self.told.name, claims)

    def _check_times(self, claims: dict[str, Any]) -> None:
        now_s = self._clock.now_ms() / 1000
        if now_s >= int(claims["exp"]) + SKEW_S or int(claims["iat"]) > now_s + SKEW_S:
            raise ValueError("out of its time")

    async def _key(self, kid: str) -> jwt.PyJWK:
        """Give a provider's key, looking for new ones when it is not among the known."""
        for at_least_s in (KEPT_S, KEYS_KEPT_S):
            now_s = self._clock.monotonic()
            if self._keys is None or now_s - self._keys.at_s >= at_least_s:
                found = await self._discover()
                told = await _fetch("GET", found["jwks_uri"])
                if not isinstance(told, dict):
                    raise ProviderFailed(f"{found['jwks_uri']} holds no keys")
                keys = jwt.PyJWKSet.from_dict(told)
                self._keys = _Fetched(now_s, {one.key_id: one for one in keys.keys})
            if kid in self._keys.value:
                key: jwt.PyJWK = self._keys.value[kid]
                return key
        raise ValueError("no such key")

    async def _discover(self) -> dict[str, Any]:
        now_s = self._clock.monotonic()
        if self._found is None or now_s - self._found.at_s >= KEPT_S:
            address = self.told.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = await _fetch("GET", address)
            wanted: tuple[str, ...] = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if self.told.issuer.startswith(FIREBASE):
                wanted = ("jwks_uri",)
            if not isinstance(found, dict) or found.get("issuer") != self.told.issuer:
                raise ProviderFailed(f"{address} does not speak for {self.told.issuer}")
            if any(not isinstance(found.get(name), str) for name in wanted):
                raise ProviderFailed(f"{address} lacks one of {', '.join(wanted)}")
            self._found = _Fetched(now_s, found)
        value: dict[str, Any] = self._found.value
        return value


def nonce_of(verifier: str) -> str:
    """Make the nonce of a sign-in of its verifier."""
    return hashlib.sha256(f"nonce|{verifier}".encode()).hexdigest()


def identity_of(provider: str, claims: dict[str, Any]) -> Identity:
    """Read whom claims stand for; raises `NotAllowed` when they name nobody."""
    subject, email = claims.get("sub"), claims.get("email")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise NotAllowed("this ID token names nobody")
    if not isinstance(email, str):
        raise NotAllowed("this ID token tells no mail address: allow the scope email")
    whole = str(claims.get("name") or email.partition("@")[0])
    first, _, rest = whole.partition(" ")
    name = str(claims.get("given_name") or first)[:NAME_LENGTH]
    surname = str(claims.get("family_name") or rest or first)[:NAME_LENGTH]
    person = Person(email, name, surname)
    return Identity(provider, subject, person, claims.get("email_verified") is True)


async def _fetch(method: str, address: str, form: dict[str, str] | None = None) -> Any:
    """Fetch JSON of bounded size and time, following nowhere; raises `ProviderFailed`."""
    body = b""
    try:
        async with (
            httpx.AsyncClient(timeout=WITHIN_S) as client,
            client.stream(method, address, data=form) as answer,
        ):
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise ProviderFailed(f"{address} answers with more than {LARGEST} bytes")
        if answer.status_code >= 500 or (form is None and answer.status_code != 200):  # noqa: PLR2004  # HTTP's own numbers
            raise ProviderFailed(f"{address} answers with {answer.status_code}: try again later")
        return loads(body.decode())
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as failure:
        raise ProviderFailed(f"{address} cannot be used: {failure}") from failure

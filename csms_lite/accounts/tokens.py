"""The two tokens of a sign-in: a short-lived signed one, and a long-lived one used once.

The access token (JWT, HS256) says who, in which role, and of which `token_version`; it is checked
against the account at every request, so that a change ends it at once. The refresh token is
opaque and has two parts: the family, which stays, and a secret, which changes with each use. A
known family with another secret is an old token, used by somebody who should not have it.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

import jwt

from csms_lite.chance import Chance

ACCESS_S: Final = 900
ISSUER: Final = "tapwatt-csms"
AUDIENCE: Final = "tapwatt-csms-api"
ALGORITHM: Final = "HS256"
CLAIMS: Final = ["iss", "aud", "exp", "iat", "jti", "sub", "role", "tv", "sid"]
LONGEST: Final = 1024  # bytes of a token of ours; longer ones are not even looked at
PART: Final = 64  # letters of each part of a refresh token


class Claims(NamedTuple):
    """What an access token says of its bearer."""

    account_id: int
    role: str
    token_version: int
    sign_in_id: int


class Refresh(NamedTuple):
    """A refresh token in its two parts."""

    family: str
    secret: str

    def text(self) -> str:
        """Write it for its bearer."""
        return self.family + self.secret


def make_access(key: bytes, claims: Claims, *, now_ms: int, token_id: str) -> str:
    """Sign an access token."""
    issued_s = now_ms // 1000
    return jwt.encode(
        {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": issued_s,
            "exp": issued_s + ACCESS_S,
            "jti": token_id,
            "sub": str(claims.account_id),
            "role": claims.role,
            "tv": claims.token_version,
            "sid": claims.sign_in_id,
        },
        key,
        algorithm=ALGORITHM,
    )


def read_access(key: bytes, token: str, *, now_ms: int) -> Claims | None:
    """Read an access token of ours; `None` when it is none, or is over by our own clock."""
    if len(token) > LONGEST:
        return None
    try:
        told: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={
                "require": CLAIMS,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        if now_ms >= int(told["exp"]) * 1000:
            return None
        return Claims(int(told["sub"]), str(told["role"]), int(told["tv"]), int(told["sid"]))
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return None


def new_refresh(chance: Chance) -> Refresh:
    """Begin a family of refresh tokens."""
    return Refresh(chance.token(), chance.token())


def read_refresh(token: str) -> Refresh | None:
    """Take a refresh token apart; `None` when it cannot be one."""
    return Refresh(token[:PART], token[PART:]) if len(token) == 2 * PART else None


def sealed(secret: str) -> str:
    """Give what is stored of a secret of 256 random bits: nobody guesses it, so a hash will do."""
    return hashlib.sha256(secret.encode()).hexdigest()

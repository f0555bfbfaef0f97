"""ID tokens of Firebase by Google's own library, and who of its people is welcome no more.

For who gives a service account: only with one can it be asked whether a person was disabled or
signed out everywhere. Without one `csms_lite.accounts.oidc` verifies the same tokens by the same
rules, and nobody here learns that a person was put out there.
The library is synchronous and its HTTP session is one thread's: it gets one, and few may wait.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from csms_lite.accounts.identities import Identity, Standing
from csms_lite.accounts.oidc import SKEW_S, identity_of
from csms_lite.errors import Forbidden, NotAllowed, ProviderFailed, SettingsError, TooMany

T = TypeVar("T")

NAME: Final = "firebase"
WITHIN_S: Final = 10.0  # the library itself tries again after some failures
HTTP_WITHIN_S: Final = 5
MOST_WAITING: Final = 20  # a second or two of Google's time; whoever comes then tries again
ASKED_AT_ONCE: Final = 100  # accounts:lookup takes no more

log = structlog.get_logger(__name__)


class Firebase:
    """One project, seen through a service account."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=NAME)
        self._waiting = 0

    async def identity(self, token: str, *, nonce: str | None = None) -> Identity:
        """Give whom an ID token stands for; there is no *nonce* in those of Firebase.

        Raises `NotAllowed`, `Forbidden` for a disabled person, `ProviderFailed`, `TooMany`.
        """
        assert nonce is None
        claims = await self._run(lambda: _verified(self._client, token))
        return identity_of(NAME, claims)

    async def standing(self, subjects: Sequence[str]) -> list[Standing]:
        """Ask how up to `ASKED_AT_ONCE` people stand; raises `ProviderFailed`, `TooMany`."""
        return await self._run(lambda: _standing(self._client, subjects))

    async def _run(self, job: Callable[[], T]) -> T:
        """Run *job* in the thread; one that takes too long keeps its place until it ends."""
        if self._waiting >= MOST_WAITING:
            raise TooMany("too many come by Firebase at once: try again", retry_after_s=2)
        self._waiting += 1
        running = asyncio.get_running_loop().run_in_executor(self._thread, job)
        running.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(WITHIN_S):
                return await asyncio.shield(running)
        except TimeoutError as failure:
            raise ProviderFailed("Firebase takes too long: try again later") from failure

    def _ended(self, running: asyncio.Future[Any]) -> None:
        self._waiting -= 1
        if not running.cancelled():
            running.exception()  # nobody may be left who asks for it


def open_firebase(project: str, key_file: Path) -> Firebase:
    """Get ready to ask Firebase as a service account; nothing is asked yet.

    The library is imported here, for it takes 40 MB. Raises `SettingsError`.
    """
    try:
        import firebase_admin
        from firebase_admin import auth, credentials
    except ImportError as failure:
        raise SettingsError(
            "firebase_service_account needs firebase-admin: pip install 'tapwatt[firebase]'"
        ) from failure
    try:
        credential = credentials.Certificate(str(key_file))
    except (OSError, ValueError) as failure:
        raise SettingsError(
            f"{key_file} is no key of a service account: make one in Firebase's console, under "
            "Project settings, Service accounts"
        ) from failure
    if credential.project_id != project:
        raise SettingsError(
            f"{key_file} is of the project {credential.project_id}, and firebase_project "
            f"is {project}: give a key of that project"
        )
    name = str(key_file)
    with suppress(ValueError):  # the library remembers each by its name until it is told not to
        firebase_admin.delete_app(firebase_admin.get_app(name))
    options = {"projectId": project, "httpTimeout": HTTP_WITHIN_S}
    return Firebase(auth.Client(firebase_admin.initialize_app(credential, options, name)))


def _verified(client: Any, token: str) -> dict[str, Any]:
    from firebase_admin import auth, exceptions
    from google.auth.exceptions import GoogleAuthError

    try:
        claims: dict[str, Any] = client.verify_id_token(
            token, check_revoked=True, clock_skew_seconds=SKEW_S
        )
    except auth.UserDisabledError as failure:
        raise Forbidden("this account is disabled at Firebase: ask the operator") from failure
    except auth.CertificateFetchError as failure:
        raise ProviderFailed("the keys of Firebase cannot be had: try again later") from failure
    except (auth.InvalidIdTokenError, auth.UserNotFoundError) as failure:
        if isinstance(failure.cause, json.JSONDecodeError):  # in the keys: a token's is wrapped
            raise ProviderFailed("the keys of Firebase cannot be read: try again") from failure
        raise NotAllowed("this ID token is not good here: sign in anew") from failure
    except (exceptions.FirebaseError, GoogleAuthError) as failure:
        raise _not_asked(failure) from failure
    except ValueError as failure:
        raise NotAllowed("this is no ID token") from failure
    return claims


def _standing(client: Any, subjects: Sequence[str]) -> list[Standing]:
    from firebase_admin import auth, exceptions
    from google.auth.exceptions import GoogleAuthError

    try:
        found = client.get_users([auth.UidIdentifier(subject) for subject in subjects])
    except (exceptions.FirebaseError, GoogleAuthError, ValueError) as failure:
        raise _not_asked(failure) from failure  # a subject that Google would not have issued, too
    known = {
        user.uid: Standing(user.uid, user.disabled, user.tokens_valid_after_timestamp or 0)
        for user in found.users
    }
    gone = (Standing(one, is_out=True, valid_from_ms=0) for one in subjects if one not in known)
    return [*known.values(), *gone]


def _not_asked(failure: Exception) -> ProviderFailed:
    """Tell the operator what is wrong, such as a right that the account lacks."""
    log.warning("firebase_not_asked", error=str(failure)[:500])
    return ProviderFailed("Firebase cannot be asked now: try again later")

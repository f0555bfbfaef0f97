"""The Realtime Database, by `firebase-admin`: a blocking library, so each call is a thread's.

Layout: `public/CODE/status` is the document and `public/CODE/mirrored_at` the server's time of the
last proof that the bridge lives; `sessions/ID` and `owners` are private; `bridges/UID/CODE` is what
this bridge once wrote and must take away again. `hmi/database.rules.json` guards it all.

Quality: run against the protocol double of the tests by the real library; the real service was
never reached from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import firebase_admin
from firebase_admin import db
from firebase_admin.credentials import Base, Certificate
from firebase_admin.exceptions import (
    FirebaseError,
    InvalidArgumentError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError

from edge.errors import ConfigError, MirrorFailed, MirrorRefused

WORKERS: Final = 10  # as many connections as the library keeps open; more would dial each time
WITHIN_S: Final = 10.0
NO_ETAG: Final = "null_etag"  # the database's own, of a place where nothing is
SERVER_TIME: Final = {".sv": "timestamp"}
REFUSALS: Final = (InvalidArgumentError, PermissionDeniedError, UnauthenticatedError)

T = TypeVar("T")
Written = tuple[bool, Any, str | None]
"""Whether it was written, else what stands there; and the tag of what stands there now, if told."""


class _Nobody(Base):  # type: ignore[misc]  # the library ships no types
    """The credential of a developer's database, which asks for none."""

    def get_credential(self) -> AnonymousCredentials:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]  # as it ships


class Database:
    """What the bridge does to the database; every method raises `MirrorFailed`."""

    def __init__(
        self, *, url: str, key_file: Path | None, identity: Mapping[str, Any], within_s: float
    ) -> None:
        self._uid = str(identity["uid"])
        options = {
            "databaseURL": url,
            "databaseAuthVariableOverride": dict(identity),
            "httpTimeout": within_s,
        }
        credential = _Nobody() if key_file is None else _certificate(key_file)
        self._app = firebase_admin.initialize_app(credential, options, name=f"bridge-{id(self)}")
        self._root = db.reference("/", app=self._app)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="database")

    def close(self) -> None:
        """Begin nothing more; what runs in a thread ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        firebase_admin.delete_app(self._app)

    async def status(self, code: str) -> tuple[Any, str | None]:
        """Give a station's document as it stands, and its tag."""
        place = self._root.child(f"public/{code}/status")
        return await self._do(partial(place.get, etag=True))

    async def put_status(self, code: str, value: dict[str, Any], etag: str) -> Written:
        """Write a station's document if the tag is still that of what stands there."""
        place = self._root.child(f"public/{code}/status")
        return await self._do(partial(place.set_if_unchanged, etag, value))

    async def begin(self, code: str) -> None:
        """Note that this bridge mirrors a station from now on."""
        await self._do(partial(self._root.child(f"bridges/{self._uid}/{code}").set, True))

    async def begun(self) -> list[str]:
        """Give the stations that this bridge mirrors or once mirrored."""
        place = self._root.child(f"bridges/{self._uid}")
        found = await self._do(partial(place.get, shallow=True))
        return list(found) if isinstance(found, dict) else []

    async def forget(self, code: str) -> None:
        """Take a station away."""
        gone = {f"public/{code}": None, f"bridges/{self._uid}/{code}": None}
        await self._do(partial(self._root.update, gone))

    async def pulse(self, codes: Iterable[str]) -> None:
        """Prove for *codes* that they are mirrored still, in one request."""
        said = {f"{code}/mirrored_at": SERVER_TIME for code in codes}
        await self._do(partial(self._root.child("public").update, said))

    async def keep_session(self, session_id: str, summary: dict[str, Any]) -> bool:
        """Write a session unless it is there; says whether it was written now."""
        place = self._root.child(f"sessions/{session_id}")
        if await self._do(partial(place.get, shallow=True)) is not None:
            return False  # the rules would refuse to write it again
        value = {**summary, "mirrored_at": SERVER_TIME}
        written: Written = await self._do(partial(place.set_if_unchanged, NO_ETAG, value))
        return written[0]

    async def _do(self, act: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, act)
        except REFUSALS as failure:
            raise MirrorRefused(
                f"the database refuses {self._uid}: {failure}; deploy hmi/database.rules.json"
                " and check the service account's key"
            ) from failure
        except (FirebaseError, GoogleAuthError, ValueError, OSError) as failure:
            raise MirrorFailed(f"the database cannot be reached: {failure}") from failure


def _certificate(key_file: Path) -> Certificate:
    try:
        return Certificate(str(key_file))
    except (OSError, ValueError) as failure:
        raise ConfigError(
            f"{key_file} is no key of a service account ({failure}): make one in the Firebase"
            " console under Project settings, Service accounts"
        ) from failure

"""The first administrator: made by who can read a file that lies in the state directory.

The file is there only while nobody can administer; its secret is good once.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Final

import structlog

from csms_lite.accounts.door import Caller, Door
from csms_lite.accounts.limits import Limit, Rate
from csms_lite.accounts.rules import Account, Person
from csms_lite.accounts.service import add_first_admin, has_admin
from csms_lite.audit.rules import Actor
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.errors import NotAllowed, Refused, SettingsError
from csms_lite.secretfile import read_secret
from csms_lite.store.writer import Store

FILE: Final = "setup-token"

log = structlog.get_logger(__name__)


class Setup:
    """The setup token of this start, if there is one."""

    def __init__(self, store: Store, clock: Clock, door: Door, path: Path) -> None:
        self._store = store
        self._clock = clock
        self._door = door
        self._path = path
        self._tries = Limit(clock, "tries to set this up", Rate(5, 60))

    async def prepare(self, chance: Chance) -> None:
        """Lay the file down when nobody can administer, take it away when somebody can."""
        if await self._store.read(has_admin):
            self._path.unlink(missing_ok=True)
            return
        read_secret(self._path, chance)
        log.warning(
            "administrator_missing",
            token_file=str(self._path),
            do="POST /api/auth/setup with the token of this file, or `tapwatt csms user add`",
        )

    async def make_admin(
        self, token: str, person: Person, password: str, caller: Caller
    ) -> Account:
        """Make the first administrator; raises `NotAllowed`, `Refused`, `TooMany`."""
        self._tries.take()
        try:
            expected = self._path.read_text().strip()
        except FileNotFoundError:
            raise Refused("this is set up already: sign in") from None
        except OSError as failure:
            raise SettingsError(f"{self._path} cannot be read: {failure.strerror}") from failure
        if not expected or not hmac.compare_digest(token.encode(), expected.encode()):
            raise NotAllowed(f"this is not the token of {self._path.name} in the state directory")
        hashed = await self._door.hashed(password, person.email)
        account = await self._store.do(
            add_first_admin,
            person,
            hashed,
            who=Actor("the setup token", None, caller.address),
            now_ms=self._clock.now_ms(),
        )
        self._path.unlink(missing_ok=True)
        return account

"""Everything that serves people, put together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter

from csms_lite.accounts.api import auth_routes
from csms_lite.accounts.door import Door, DoorRules
from csms_lite.accounts.keys_api import factor_reset_routes, factor_routes, key_routes
from csms_lite.accounts.passwords import Passwords
from csms_lite.accounts.setup import FILE, Setup
from csms_lite.accounts.users_api import own_routes, user_changes, user_routes
from csms_lite.audit.api import audit_routes
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.gate import Authenticator
from csms_lite.secretfile import read_secret
from csms_lite.store.writer import Store

KEY_FILE: Final = "token-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The door, the first administrator's setup, and their routes."""

    store: Store
    clock: Clock
    chance: Chance
    door: Door
    setup: Setup

    def authenticators(self) -> tuple[Authenticator, ...]:
        """Give whom the gate shall ask who somebody is."""
        return (self.door.authenticate, self.door.authenticate_key)

    def routes(self) -> tuple[APIRouter, ...]:
        """Give all routes; the own ones first, for `me` is no number."""
        return (
            auth_routes(self.door, self.setup),
            own_routes(self.store, self.clock, self.door),
            key_routes(self.store, self.clock, self.chance, self.door),
            factor_routes(self.store, self.clock, self.chance, self.door),
            factor_reset_routes(self.store, self.clock),
            user_routes(self.store, self.clock),
            user_changes(self.store, self.clock, self.door),
            audit_routes(self.store),
        )


async def open_office(
    state_dir: Path,
    store: Store,
    clock: Clock,
    chance: Chance,
    *,
    passwords: Passwords,
    rules: DoorRules,
) -> Office:
    """Open for people; makes the key of the tokens, and the setup token while it is needed.

    Raises `SettingsError` when the state directory cannot be used.
    """
    key = bytes.fromhex(read_secret(state_dir / KEY_FILE, chance))
    door = Door(store, clock, chance, key=key, passwords=passwords, rules=rules)
    setup = Setup(store, clock, door, state_dir / FILE)
    await setup.prepare(chance)
    return Office(store=store, clock=clock, chance=chance, door=door, setup=setup)

"""How people come in: register, sign in, stay signed in, sign out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection

from csms_lite.accounts import factors, keys, service, sign_ins
from csms_lite.accounts.identities import Arrival, Identity, arrived
from csms_lite.accounts.limits import Limit, Rate, SignInLimits
from csms_lite.accounts.passwords import Passwords
from csms_lite.accounts.rules import (
    STAFF,
    Account,
    Person,
    email_key,
    first_to_do,
    good_password,
    same_password,
)
from csms_lite.accounts.sign_ins import SignedIn
from csms_lite.accounts.tokens import (
    Claims,
    Refresh,
    make_access,
    new_refresh,
    read_access,
    read_refresh,
)
from csms_lite.audit.rules import Actor
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.errors import FactorNeeded, Forbidden, NotAllowed, Refused, Unacceptable
from csms_lite.gate import SIGN_IN_AT, Principal, Role
from csms_lite.store.writer import Store

HOUR_S: Final = 3600
CODE_WANTED: Final = (
    "send with it what your authenticator app shows now, or a recovery code; each is good once"
)


class Caller(NamedTuple):
    """Where a request comes from, and what sent it."""

    address: str
    device: str | None


class Tokens(NamedTuple):
    """What somebody who has signed in is given."""

    access: str
    refresh: str
    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRules:
    """What the installer has decided."""

    open_registration: bool = True
    factor_for: tuple[Role, ...] = ()


def door_rules(*, open_registration: bool, second_factor_for_staff: bool) -> DoorRules:
    """Make the rules of what was set."""
    return DoorRules(
        open_registration=open_registration, factor_for=STAFF if second_factor_for_staff else ()
    )


class Door:
    """Lets people in, a few at a time; what it knows is in the store."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chance: Chance,
        *,
        key: bytes,
        passwords: Passwords,
        rules: DoorRules,
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._key = key
        self._passwords = passwords
        self._rules = rules
        self._sign_ins = SignInLimits(clock)
        self._newcomers = Limit(clock, "new accounts from your address", Rate(10, HOUR_S))
        self._codes = Limit(clock, "codes of this account", Rate(10, HOUR_S))
        self._arrivals = Limit(clock, "sign-ins from your address", Rate(20, 60))
        self._refreshes = Limit(clock, "refreshed tokens from your address", Rate(120, 60))

    async def authenticate(self, token: str) -> Principal | None:
        """Give who bears an access token of ours: an authenticator of the gate."""
        claims = read_access(self._key, token, now_ms=self._clock.now_ms())
        if claims is None:
            return None
        account = await self._store.read(sign_ins.bearer, claims)
        if account is None:
            return None
        return Principal(
            role=Role(account.role),
            name=f"account {account.account_id}",
            user_id=account.account_id,
            first=first_to_do(account, self._rules.factor_for),
            sign_in_id=claims.sign_in_id,
        )

    async def authenticate_key(self, token: str) -> Principal | None:
        """Give whose key this is: an authenticator of the gate."""
        given = keys.read_secret_key(token)
        if given is None:
            return None
        found = await self._store.read(keys.bearer, given, self._clock.now_ms())
        if found is None:
            return None
        if not found.is_use_told:
            await self._store.do(keys.used, found.key_id, self._clock.now_ms())
        return Principal(
            role=Role(found.account.role),
            name=f"key {found.key_id} of account {found.account.account_id}",
            user_id=found.account.account_id,
            scopes=found.scopes,
            first=first_to_do(found.account, self._rules.factor_for),
        )

    async def register(self, person: Person, password: str, caller: Caller) -> Tokens:
        """Make an account of the role USER and sign it in.

        Raises `Forbidden` when registration is closed, `Unacceptable`, `Refused`, `TooMany`.
        """
        if not self._rules.open_registration:
            raise Forbidden("registration is closed here: ask the operator for an account")
        self._newcomers.take(caller.address)
        hashed = await self.hashed(password, person.email)
        beginning = self._beginning(caller)
        done = await self._store.do(_register, person, hashed, beginning)
        return self._tokens(done, beginning.refresh)

    async def sign_in(
        self, email: str, password: str, caller: Caller, code: str | None = None
    ) -> Tokens:
        """Sign in by password, and *code* where there is a second factor.

        Raises `NotAllowed` alike for a wrong name and a wrong password, `FactorNeeded` for a
        missing or wrong code, `Forbidden` for a disabled account, `TooMany`.
        """
        account_id = await self._who(email, password, caller)
        if code is not None:
            self._codes.take(str(account_id))
        beginning = self._beginning(caller)
        done = await self._store.do(_signed_in, account_id, code, beginning)
        if done is None:
            raise FactorNeeded(CODE_WANTED)
        return self._tokens(done, beginning.refresh)

    def count_arrival(self, address: str) -> None:
        """Count somebody who comes by a provider; raises `TooMany`."""
        self._arrivals.take(address)

    async def arrive(self, identity: Identity, caller: Caller, code: str | None) -> Tokens:
        """Sign in whom a provider vouches for; raises `FactorNeeded`, `Forbidden`, `TooMany`."""
        if code is not None:
            self._codes.take(f"{identity.provider}|{identity.subject}")
        arrival = Arrival(
            identity,
            new_refresh(self._chance),
            code,
            caller.address,
            caller.device,
            self._rules.open_registration,
        )
        done = await self._store.do(arrived, arrival, self._clock.now_ms())
        if done is None:
            raise FactorNeeded(CODE_WANTED)
        return self._tokens(done, arrival.refresh)

    async def refresh(self, token: str, caller: Caller) -> Tokens:
        """Give new tokens for a refresh token, which is good once; raises `NotAllowed`."""
        self._refreshes.take(caller.address)
        given = read_refresh(token)
        if given is None:
            raise NotAllowed("this is no refresh token of ours: sign in again")
        following = Refresh(given.family, new_refresh(self._chance).secret)
        done = await self._store.do(
            sign_ins.refreshed,
            given,
            following.secret,
            address=caller.address,
            now_ms=self._clock.now_ms(),
        )
        if done is None:
            raise NotAllowed("this refresh token is used or over: sign in again")
        return self._tokens(done, following)

    async def sign_out(self, token: str) -> None:
        """End the sign-in of a refresh token; nothing when it is over already."""
        given = read_refresh(token)
        if given is not None:
            await self._store.do(sign_ins.end_by_token, given)

    async def change_password(
        self, who: Principal, old: str, new: str, caller: Caller, actor: Actor
    ) -> Tokens:
        """Change the own password, which ends every sign-in but gives one; raises `Forbidden`."""
        account = await self.confirmed(who, old, caller)
        hashed = await self.hashed(new, account.email or "")
        beginning = self._beginning(caller)
        done = await self._store.do(_changed, account.account_id, hashed, beginning, actor)
        return self._tokens(done, beginning.refresh)

    async def confirmed(self, who: Principal, password: str, caller: Caller) -> Account:
        """Give the account of *who* if the password is his; raises `Forbidden`, `TooMany`."""
        account_id = account_id_of(who)
        account = await self._store.read(service.account, account_id)
        self._sign_ins.take(caller.address, (account.email or "").lower())
        stored = await self._store.read(service.password_of, account_id)
        if not await self._passwords.match(stored, same_password(password)):
            raise Forbidden("this is not your password")
        return account

    def count_code(self, who: Principal) -> int:
        """Count a try of a code and give whose it is; raises `TooMany`."""
        account_id = account_id_of(who)
        self._codes.take(str(account_id))
        return account_id

    async def hashed(self, password: str, email: str) -> str:
        """Hash a new password; raises `Unacceptable` for a weak one."""
        return await self._passwords.hashed(good_password(password, email))

    async def _who(self, email: str, password: str, caller: Caller) -> int:
        try:
            key = email_key(email)
        except Unacceptable:
            key = ""  # as slow and as wrong as any other unknown name
        self._sign_ins.take(caller.address, key)
        account_id, stored = await self._store.read(sign_ins.known, key)
        is_right = await self._passwords.match(stored, same_password(password))
        if account_id is None or not is_right:
            raise NotAllowed("the mail address or the password is wrong")
        account = await self._store.read(service.account, account_id)
        if account.is_disabled:
            raise Forbidden("this account is disabled: ask the operator")
        return account_id

    def _beginning(self, caller: Caller) -> _Beginning:
        return _Beginning(new_refresh(self._chance), caller, self._clock.now_ms())

    def _tokens(self, done: SignedIn, refresh: Refresh) -> Tokens:
        account = done.account
        claims = Claims(account.account_id, account.role, account.token_version, done.sign_in_id)
        access = make_access(
            self._key, claims, now_ms=self._clock.now_ms(), token_id=self._chance.message_id()
        )
        return Tokens(access, refresh.text(), account)


def account_id_of(who: Principal) -> int:
    """Give the account of who asks; raises `Refused` for a program that has none."""
    if who.user_id is None:
        raise Refused(f"{who.name} is no account: sign in at POST {SIGN_IN_AT}")
    return who.user_id


class _Beginning(NamedTuple):
    """A sign-in that is about to be."""

    refresh: Refresh
    caller: Caller
    now_ms: int

    def of(self, db: Connection, account_id: int) -> SignedIn:
        """Begin it."""
        return sign_ins.begin(
            db,
            account_id,
            self.refresh,
            address=self.caller.address,
            device=self.caller.device,
            now_ms=self.now_ms,
        )


def _register(db: Connection, person: Person, hashed: str, beginning: _Beginning) -> SignedIn:
    account = service.add(
        db,
        person,
        hashed,
        role=Role.USER,
        is_verified=False,
        who=None,
        now_ms=beginning.now_ms,
    )
    return beginning.of(db, account.account_id)


def _signed_in(
    db: Connection, account_id: int, code: str | None, beginning: _Beginning
) -> SignedIn | None:
    if not factors.passes(db, account_id, code, beginning.now_ms):
        return None
    return beginning.of(db, account_id)


def _changed(
    db: Connection, account_id: int, hashed: str, beginning: _Beginning, actor: Actor
) -> SignedIn:
    service.set_password(db, account_id, hashed, who=actor, now_ms=beginning.now_ms)
    return beginning.of(db, account_id)

"""Everything that serves people, put together."""

from __future__ import annotations

import asyncio
import ipaddress
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter

from csms_lite.accounts import codes, identities, sign_ins
from csms_lite.accounts.api import auth_routes
from csms_lite.accounts.door import Door, door_rules
from csms_lite.accounts.firebase import ASKED_AT_ONCE, NAME, Firebase, open_firebase
from csms_lite.accounts.keys_api import factor_reset_routes, factor_routes, key_routes
from csms_lite.accounts.mail_api import MailDesk, mail_routes
from csms_lite.accounts.oidc import FIREBASE, Provider, ProviderSettings
from csms_lite.accounts.outside_api import OIDC, provider_routes, webhook_routes
from csms_lite.accounts.passwords import Passwords
from csms_lite.accounts.rules import email_key
from csms_lite.accounts.setup import FILE, Setup
from csms_lite.accounts.users_api import own_routes, user_changes, user_routes
from csms_lite.accounts.webhook import read_webhook_secret
from csms_lite.audit.api import audit_routes
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.errors import CsmsError, SettingsError, Unacceptable
from csms_lite.gate import Authenticator
from csms_lite.mail import service as mail
from csms_lite.mail.postman import Postman
from csms_lite.mail.smtp import MailServer, trust_of
from csms_lite.secretfile import read_secret
from csms_lite.settings import Settings
from csms_lite.store.writer import Store

EMULATORS: Final = ("FIREBASE_AUTH_EMULATOR_HOST", "FIREBASE_DATABASE_EMULATOR_HOST")
REDIRECT: Final = "/auth/oidc"  # the page that takes the code and sends it with its verifier
KEY_FILE: Final = "token-key"
WEBHOOKS_KEPT_MS: Final = 86_400_000  # their signatures are good for minutes
TIDY_EVERY_S: Final = 3600.0  # nothing is good longer for lying there

log = structlog.get_logger(__name__)


class Outside(NamedTuple):
    """Who else may vouch for people."""

    oidc: Provider | None
    firebase: Provider | Firebase | None
    webhook_secret: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The door, the mails, the first administrator's setup, and their routes."""

    store: Store
    clock: Clock
    chance: Chance
    door: Door
    setup: Setup
    postman: Postman
    mail_desk: MailDesk
    outside: Outside

    def authenticators(self) -> tuple[Authenticator, ...]:
        """Give whom the gate shall ask who somebody is."""
        return (self.door.authenticate, self.door.authenticate_key)

    def routes(self) -> tuple[APIRouter, ...]:
        """Give all routes; the own ones first, for `me` is no number."""
        return (
            auth_routes(self.door, self.setup, self.mail_desk),
            mail_routes(self.mail_desk),
            provider_routes(self.door, self.chance, self.outside.oidc, self.outside.firebase),
            webhook_routes(self.store, self.clock, self.outside.webhook_secret),
            own_routes(self.store, self.clock, self.door),
            key_routes(self.store, self.clock, self.chance, self.door),
            factor_routes(self.store, self.clock, self.chance, self.door),
            factor_reset_routes(self.store, self.clock),
            user_routes(self.store, self.clock),
            user_changes(self.store, self.clock, self.door),
            audit_routes(self.store),
        )

    async def tidy(self) -> None:
        """Forget what is good no more."""
        now_ms = self.clock.now_ms()
        await self.store.do(sign_ins.forget_old, now_ms)
        await self.store.do(codes.forget_old, now_ms)
        await self.store.do(mail.forget_old, now_ms)
        await self.store.do(identities.forget_webhooks, now_ms - WEBHOOKS_KEPT_MS)
        if isinstance(self.outside.firebase, Firebase):
            await self.look_again(self.outside.firebase)

    async def look_again(self, firebase: Firebase) -> None:
        """Sign out who is welcome no more at Firebase; raises `ProviderFailed`, `TooMany`."""
        after = ""
        while subjects := await self.store.read(identities.vouched_for, NAME, after, ASKED_AT_ONCE):
            told = await firebase.standing(subjects)
            await self.store.do(identities.looked_again, NAME, told, self.clock.now_ms())
            after = subjects[-1]

    def run(self, tasks: asyncio.TaskGroup, stopping: asyncio.Event) -> list[asyncio.Task[None]]:
        """Begin what runs beside the routes; gives what has to be cancelled at the end."""
        tasks.create_task(self.tidy_on(stopping), name="tidy-people")
        return [tasks.create_task(self.postman.deliver_on(), name="mail")]

    async def tidy_on(self, stopping: asyncio.Event) -> None:
        """Tidy every hour until *stopping* is set."""
        while not stopping.is_set():
            try:
                await self.tidy()
            except CsmsError as failure:
                log.warning("tidying_failed", error=str(failure))
            with suppress(TimeoutError):
                async with asyncio.timeout(TIDY_EVERY_S):
                    await stopping.wait()


async def open_office(
    settings: Settings, store: Store, clock: Clock, chance: Chance, passwords: Passwords
) -> Office:
    """Open for people; makes the key of the tokens, and the setup token while it is needed.

    Raises `SettingsError` when the state directory or the settings of mail cannot be used.
    """
    refuse_emulators(os.environ, is_dev=settings.dev)
    server = mail_server(settings)
    key = _key(settings, chance)
    rules = door_rules(
        open_registration=settings.open_registration,
        second_factor_for_staff=settings.second_factor_for_staff,
    )
    door = Door(store, clock, chance, key=key, passwords=passwords, rules=rules)
    setup = Setup(store, clock, door, settings.state_dir / FILE)
    await setup.prepare(chance)
    postman = Postman(
        store,
        clock,
        send=None if server is None else server.send,
        sender="" if server is None else server.sender,
    )
    desk = MailDesk(
        store,
        clock,
        chance,
        door=door,
        postman=postman,
        seal=codes.sealer(key),
        public_url=settings.public_url or "",
    )
    return Office(
        store=store,
        clock=clock,
        chance=chance,
        door=door,
        setup=setup,
        postman=postman,
        mail_desk=desk,
        outside=outside(settings, clock),
    )


def mail_server(settings: Settings) -> MailServer | None:
    """Give the mail server that was set, if any; raises `SettingsError` for half of one."""
    if settings.smtp_host is None:
        return None
    if settings.mail_from is None or settings.public_url is None:
        raise SettingsError("smtp_host needs mail_from and public_url beside it")
    try:
        email_key(settings.mail_from)
    except Unacceptable as failure:
        raise SettingsError("mail_from is one plain address, like charge@example.org") from failure
    if settings.smtp_security == "none" and not _is_here(settings.smtp_host):
        raise SettingsError(
            "smtp_security none is for a server at 127.0.0.1 only: use starttls or tls"
        )
    password = settings.smtp_password
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        sender=settings.mail_from,
        user=settings.smtp_user,
        password=None if password is None else password.get_secret_value(),
        trust=None if settings.smtp_security == "none" else trust_of(settings.smtp_ca_file),
    )


def outside(settings: Settings, clock: Clock) -> Outside:
    """Give who else may vouch for people, as it was set; raises `SettingsError` for half of it."""
    oidc: Provider | None = None
    if settings.oidc_issuer is not None:
        if settings.oidc_client_id is None or settings.public_url is None:
            raise SettingsError("oidc_issuer needs oidc_client_id and public_url beside it")
        host = urlsplit(settings.oidc_issuer).hostname or ""
        if not settings.oidc_issuer.startswith("https://") and not _is_here(host):
            raise SettingsError("oidc_issuer begins with https://")
        client_secret = settings.oidc_client_secret
        told = ProviderSettings(
            name=OIDC,
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=None if client_secret is None else client_secret.get_secret_value(),
            redirect=settings.public_url.rstrip("/") + REDIRECT,
        )
        oidc = Provider(told, clock)
    secret = settings.users_webhook_secret
    return Outside(
        oidc,
        _firebase(settings, clock),
        None if secret is None else read_webhook_secret(secret.get_secret_value()),
    )


def _firebase(settings: Settings, clock: Clock) -> Provider | Firebase | None:
    project, key_file = settings.firebase_project, settings.firebase_service_account
    if project is None:
        if key_file is not None:
            raise SettingsError("firebase_service_account needs firebase_project beside it")
        return None
    if key_file is not None:
        return open_firebase(project, key_file)
    told = ProviderSettings(name=NAME, issuer=FIREBASE + project, client_id=project)
    return Provider(told, clock)


def refuse_emulators(environment: Mapping[str, str], *, is_dev: bool) -> None:
    """Refuse to start where Firebase would believe anybody; raises `SettingsError`.

    With these variables its libraries take tokens that nobody signed.
    """
    found = [name for name in EMULATORS if environment.get(name)]
    if found and not is_dev:
        raise SettingsError(
            f"{' and '.join(found)} is set: unset it, or set TAPWATT_CSMS_DEV=true "
            "on a machine that serves nobody"
        )


def _key(settings: Settings, chance: Chance) -> bytes:
    path = settings.state_dir / KEY_FILE
    try:
        key = bytes.fromhex(read_secret(path, chance))
    except ValueError as failure:
        if isinstance(failure, SettingsError):
            raise
        raise SettingsError(f"{path} is no key: remove it; everybody must sign in anew") from None
    if len(key) < 32:  # noqa: PLR2004  # HS256 wants as many bytes as its hash (RFC 7518 3.2)
        raise SettingsError(f"{path} is too short: remove it; everybody must sign in anew")
    return key


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

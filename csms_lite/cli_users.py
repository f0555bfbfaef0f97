"""`tapwatt csms user …`: people, from the machine itself, whether the central system runs or not.

Each verb is one transaction on the database in the state directory, with the same rules and the
same trail as over HTTP. Passwords come from a prompt or from standard input, never from an
argument: those can be read by everybody on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from csms_lite.accounts.rules import Account
    from csms_lite.store.thread import SqliteThread
    from csms_lite.store.writer import Store

REFUSED: Final = 2
PAGE: Final = 500


def verbs(parser: argparse.ArgumentParser) -> None:
    """Add the verbs on people."""
    below = parser.add_subparsers(dest="user_verb", required=True, metavar="VERB")
    one = argparse.ArgumentParser(add_help=False)
    one.add_argument("--state-dir", type=Path, help="where the database is (default state/csms)")
    one.add_argument("--json", action="store_true", help="as JSON")
    add = below.add_parser("add", parents=[one], help="add an account; asks for its password")
    add.add_argument("email")
    add.add_argument("--name", required=True)
    add.add_argument("--surname", required=True)
    add.add_argument("--role", default="USER", help="ADMIN, OPERATOR, VIEWER or USER (default)")
    add.set_defaults(func=_run(_add))
    everyone = below.add_parser("list", parents=[one], help="list accounts")
    everyone.set_defaults(func=_run(_list))
    role = below.add_parser("role", parents=[one], help="change a role; ends all sign-ins")
    role.add_argument("email")
    role.add_argument("role", help="ADMIN, OPERATOR, VIEWER or USER")
    role.set_defaults(func=_run(_role))
    password = below.add_parser("password", parents=[one], help="set a password; ends all sign-ins")
    password.add_argument("email")
    password.set_defaults(func=_run(_password))
    disable = below.add_parser("disable", parents=[one], help="let an account in no more")
    disable.add_argument("email")
    disable.add_argument("--undo", action="store_true", help="let it in again")
    disable.set_defaults(func=_run(_disable))


def _run(verb: Callable[[Store, argparse.Namespace], Any]) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        from csms_lite.errors import CsmsError

        try:
            asyncio.run(_on_store(verb, arguments))
        except CsmsError as failure:
            print(f"tapwatt csms: {failure}", file=sys.stderr)
            return REFUSED
        return 0

    return run


async def _on_store(
    verb: Callable[[Store, argparse.Namespace], Any], arguments: argparse.Namespace
) -> None:
    from csms_lite.clock import SystemClock
    from csms_lite.errors import SettingsError
    from csms_lite.settings import Settings
    from csms_lite.store.writer import open_store

    given = {} if arguments.state_dir is None else {"state_dir": arguments.state_dir}
    state_dir = Settings(**given).state_dir
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as failure:
        raise SettingsError(f"{state_dir} cannot be used: {failure.strerror}") from failure
    async with open_store(
        state_dir / "csms.db", clock=SystemClock(), open_database=_as_a_guest
    ) as store:
        await verb(store, arguments)


async def _as_a_guest(path: Path, *, read_only: bool) -> SqliteThread:
    """Open the database beside its owner: only one process may fold the log into the file."""
    from csms_lite.store.thread import open_database, raw_of

    database = await open_database(path, read_only=read_only)
    await database.run(lambda db: raw_of(db).execute("PRAGMA wal_autocheckpoint = 0").fetchall())
    return database


async def _add(store: Store, arguments: argparse.Namespace) -> None:
    from csms_lite.accounts import service
    from csms_lite.accounts.rules import Person, email_key, good_role

    role = good_role(arguments.role)
    email_key(arguments.email)
    person = Person(arguments.email, arguments.name, arguments.surname)
    hashed = _hashed(arguments.email)
    added = await store.do(
        service.add, person, hashed, role=role, is_verified=True, who=_me(), now_ms=_now_ms()
    )
    _tell(arguments, added, "added ")


async def _list(store: Store, arguments: argparse.Namespace) -> None:
    from csms_lite.accounts import service

    after = 0
    while page := await store.read(service.list_accounts, after=after, count=PAGE):
        for one in page:
            _tell(arguments, one)
        after = page[-1].account_id


async def _role(store: Store, arguments: argparse.Namespace) -> None:
    await _change(store, arguments, {"role": arguments.role})


async def _disable(store: Store, arguments: argparse.Namespace) -> None:
    await _change(store, arguments, {"is_disabled": not arguments.undo})


async def _change(store: Store, arguments: argparse.Namespace, changes: dict[str, Any]) -> None:
    from csms_lite.accounts import service

    found = await store.read(service.account_of_email, arguments.email)
    changed = await store.do(service.change, found.account_id, changes, who=_me(), now_ms=_now_ms())
    _tell(arguments, changed, "now ")


async def _password(store: Store, arguments: argparse.Namespace) -> None:
    from csms_lite.accounts import service

    found = await store.read(service.account_of_email, arguments.email)
    hashed = _hashed(arguments.email)
    await store.do(service.set_password, found.account_id, hashed, who=_me(), now_ms=_now_ms())
    told = f"the password of {arguments.email} is changed, and every sign-in has ended"
    print(json.dumps({"email": arguments.email, "changed": True}) if arguments.json else told)


def _hashed(email: str) -> str:
    import getpass

    from csms_lite.accounts.passwords import hash_password
    from csms_lite.accounts.rules import good_password
    from csms_lite.errors import Unacceptable

    if sys.stdin.isatty():
        password = getpass.getpass("password: ")
        if getpass.getpass("again: ") != password:
            raise Unacceptable("these were two different passwords: nothing is changed")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    return hash_password(good_password(password, email))


def _me() -> Any:
    import os

    from csms_lite.audit.rules import Actor

    return Actor(f"the command line of uid {os.getuid()}")


def _now_ms() -> int:
    from csms_lite.clock import SystemClock

    return SystemClock().now_ms()


def _tell(arguments: argparse.Namespace, account: Account, how: str = "") -> None:
    """One line for each account, for people or for programs."""
    if not arguments.json:
        print(how + _line(account))
        return
    told = {
        "id": account.account_id,
        "email": account.email,
        "role": account.role,
        "name": account.name,
        "surname": account.surname,
        "is_verified": account.is_verified,
        "is_disabled": account.is_disabled,
    }
    print(json.dumps(told))


def _line(account: Account) -> str:
    marks = [
        word
        for word, is_so in (
            ("not verified", not account.is_verified),
            ("disabled", account.is_disabled),
        )
        if is_so
    ]
    words = [str(account.account_id), account.role, account.email or "", account.name]
    return "\t".join([*words, account.surname, *marks])

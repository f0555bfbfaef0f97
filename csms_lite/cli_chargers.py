"""`tapwatt csms charger …`: chargers and their keys, on the state directory itself.

It works whether the central system runs or not. A running one learns of it at the charger's next
connection; to tell a connected charger its new key, ask the API.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from csms_lite.settings import Settings
    from csms_lite.stations.overview import Overview

T = TypeVar("T")
WRONG = 2
MAX_FILE = 4 * 1024 * 1024  # bytes; a thousand rows with every column full


def charger_verbs(below: Any) -> None:
    """Add `charger` with its own verbs to those of `tapwatt csms`."""
    charger = below.add_parser("charger", help="add, list and import chargers, give them keys")
    verbs = charger.add_subparsers(dest="charger_verb", required=True, metavar="VERB")
    add = verbs.add_parser("add", help="add a charger, or change what is given of it")
    add.add_argument("id", help="its OCPP id: letters, digits, - and _")
    add.add_argument("--name", help="what people call it")
    add.add_argument("--site", help="name of the site where it stands")
    add.add_argument("--profile", type=int, choices=(0, 1, 2, 3), help="least security profile")
    add.set_defaults(func=_add)
    listing = verbs.add_parser("list", help="list chargers, and who waits in the inbox")
    listing.set_defaults(func=_list)
    key = verbs.add_parser("key", help="make a key for a charger and print it, once")
    key.add_argument("id", help="its OCPP id")
    key.add_argument("--revoke", action="store_true", help="the keys before are no longer valid")
    key.add_argument(
        "--enrol",
        action="store_true",
        help="print the line for `tapwatt edge enrol`, and its QR code: a secret, as the key is",
    )
    key.add_argument("--url", metavar="URL", help="where chargers reach us, without the id")
    key.set_defaults(func=_key)
    importing = verbs.add_parser("import", help="add or change many chargers, all or none")
    importing.add_argument("file", type=Path, help="CSV with a header, or a JSON list")
    importing.add_argument(
        "--keys", action="store_true", help="make keys for those without; printed once"
    )
    importing.set_defaults(func=_import)
    for verb in (add, listing, key, importing):
        verb.add_argument("--state-dir", type=Path, help="database and token (state/csms)")
        verb.add_argument("--json", action="store_true", help="as JSON")


def _add(arguments: argparse.Namespace) -> int:
    from csms_lite.stations.service import put_station
    from csms_lite.stations.site_service import site_named

    given = {name: getattr(arguments, name) for name in ("name", "profile")}
    changes = {name: value for name, value in given.items() if value is not None}

    def add(db: Connection, now_ms: int) -> None:
        if arguments.site is not None:
            changes["site_id"] = site_named(db, arguments.site).site_id
        put_station(db, arguments.id, changes, make_code=_chance().code, now_ms=now_ms)

    def tell(_none: None) -> None:
        told = json.dumps({"id": arguments.id, **changes})
        print(told if arguments.json else f"{arguments.id} may come")

    return _run(arguments, add, tell)


def _list(arguments: argparse.Namespace) -> int:
    from csms_lite.stations.door_service import list_strangers
    from csms_lite.stations.inbox import Stranger
    from csms_lite.stations.overview import overviews

    def read(db: Connection, _now_ms: int) -> tuple[list[Overview], list[Stranger]]:
        return overviews(db), list_strangers(db)

    def tell(found: tuple[list[Overview], list[Stranger]]) -> None:
        rows = [
            {
                "id": one.station.identity,
                "registration": one.station.registration,
                "profile": one.station.profile,
                "where": one.site.name if one.site else None,
                "name": one.station.name,
            }
            for one in found[0]
        ]
        for stranger in found[1]:
            waits = {"id": stranger.identity, "registration": "in the inbox", "profile": None}
            rows.append({**waits, "where": stranger.address, "name": None})
        if arguments.json:
            print(json.dumps(rows, indent=2))
            return
        for row in rows:
            print(*("-" if value is None else value for value in row.values()), sep="\t")

    return _run(arguments, read, tell)


def _key(arguments: argparse.Namespace) -> int:
    """Print the key, or all that the charger needs: what cannot be told is found out before."""
    from csms_lite.errors import CsmsError

    made = _chance().key()
    try:
        told = _sheet(arguments, made)
    except CsmsError as failure:
        return _wrong(str(failure))

    def make(db: Connection, now_ms: int) -> None:
        salt = _chance().salt()
        add_key(db, arguments.id, made, salt=salt, now_ms=now_ms, only=arguments.revoke)

    from csms_lite.stations.door_service import add_key

    def tell(_none: None) -> None:
        if arguments.json:
            print(json.dumps(told))
        elif arguments.enrol:
            from edge.hmi.qr import qr_letters

            print(told["line"])
            print(qr_letters(told["line"]))
        else:
            print(made)

    return _run(arguments, make, tell)


def _sheet(arguments: argparse.Namespace, key: str) -> dict[str, str]:
    """What a charger is told, the line with it where that was asked for."""
    if not arguments.enrol:
        return {"id": arguments.id, "key": key}
    from csms_lite.enrol_line import address, enrol_line, fingerprint
    from csms_lite.tls import with_own

    settings = with_own(_settings(arguments))
    url = address(settings, arguments.url)
    line = enrol_line(arguments.id, url, key, fingerprint(settings))
    return {"id": arguments.id, "key": key, "url": url, "line": line}


def _settings(arguments: argparse.Namespace) -> Settings:
    from csms_lite.settings import Settings

    given = {} if arguments.state_dir is None else {"state_dir": arguments.state_dir}
    return Settings(**given)


def _import(arguments: argparse.Namespace) -> int:
    from csms_lite.errors import CsmsError
    from csms_lite.stations.import_api import read_table
    from csms_lite.stations.import_service import Imported, import_chargers
    from csms_lite.stations.importing import read_rows

    kind = "json" if arguments.file.suffix == ".json" else "csv"
    try:
        with arguments.file.open("rb") as file:
            whole = file.read(MAX_FILE + 1)
        if len(whole) > MAX_FILE:
            return _wrong(f"{arguments.file} is larger than {MAX_FILE} bytes: import it in parts")
        rows = read_rows(read_table(whole, kind))
    except OSError as failure:
        return _wrong(f"{arguments.file} cannot be read: {failure.strerror}")
    except CsmsError as failure:
        return _wrong(str(failure))

    def take(db: Connection, now_ms: int) -> Imported:
        return import_chargers(db, rows, _chance(), now_ms, make_keys=arguments.keys)

    def tell(done: Imported) -> None:
        if arguments.json:
            lists = {"added": done.added, "changed": done.changed, "unchanged": done.unchanged}
            told = {name: list(found) for name, found in lists.items()}
            print(json.dumps({**told, "keys": dict(done.keys)}, indent=2))
            return
        counts = len(done.added), len(done.changed), len(done.unchanged)
        print("added {}, changed {}, unchanged {}".format(*counts), file=sys.stderr)
        for identity, key in done.keys.items():
            print(identity, key, sep="\t")

    return _run(arguments, take, tell)


def _chance() -> Any:
    from csms_lite.chance import system_chance

    return system_chance()


def _run(
    arguments: argparse.Namespace, verb: Callable[[Connection, int], T], tell: Callable[[T], None]
) -> int:
    """Run *verb* as one transaction on the database of the state directory."""
    import asyncio

    from csms_lite.errors import CsmsError

    path = _settings(arguments).state_dir / "csms.db"
    if not path.exists():
        return _wrong(f"there is no {path} yet: `tapwatt csms run` makes it")
    try:
        told = asyncio.run(_once(path, verb))
    except CsmsError as failure:
        return _wrong(str(failure))
    tell(told)
    return 0


async def _once(path: Path, verb: Callable[[Connection, int], T]) -> T:
    from csms_lite.clock import SystemClock
    from csms_lite.store.thread import open_beside
    from csms_lite.store.writer import open_store

    clock = SystemClock()
    async with open_store(path, clock=clock, open_database=open_beside) as store:
        return await store.do(verb, clock.now_ms())


def _wrong(what: str) -> int:
    print(f"tapwatt csms: {what}", file=sys.stderr)
    return WRONG

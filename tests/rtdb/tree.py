"""The data of the protocol double: a tree without nulls and empty lists, as the database has it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

MAX_INDEX = 10_000_000
FORBIDDEN = re.compile(r"[.$#\[\]\x00-\x1f\x7f]")
NO_TAG = "null_etag"


class BadPath(ValueError):
    """A name that the database does not take."""


class Tree:
    """Values by path; what is written is resolved first (`.sv`), and nothing is kept of nulls."""

    def __init__(self) -> None:
        self.root: Any = None
        self.now_ms = 0
        self._pushes = count()

    def get(self, path: str) -> Any:
        """Give what stands at *path*, lists as lists."""
        return exported(self._raw(path))

    def put(self, path: str, value: Any) -> Any:
        """Write *value*; gives what was written, resolved."""
        kept = self._kept(value, self._raw(path))
        self.root = _placed(self.root, names_of(path), kept)
        return exported(kept)

    def merge(self, path: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Write each of *values*, whose names may be paths; gives what was written."""
        return {name: self.put(f"{path}/{name}", value) for name, value in values.items()}

    def tag(self, path: str) -> str:
        """Give the tag that conditional requests compare."""
        raw = self._raw(path)
        if raw is None:
            return NO_TAG
        text = json.dumps(raw, sort_keys=True, ensure_ascii=False)
        return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()

    def hash(self, path: str) -> str:
        """Give the hash by which the SDK's transactions compare."""
        return node_hash(self._raw(path))

    def push_name(self) -> str:
        """Give a name that sorts behind those given before."""
        return f"-{self.now_ms:013d}{next(self._pushes):06d}"

    def _raw(self, path: str) -> Any:
        here = self.root
        for name in names_of(path):
            here = here.get(name) if isinstance(here, dict) else None
        return here

    def _kept(self, value: Any, old: Any) -> Any:
        if isinstance(value, list):
            value = {str(place): one for place, one in enumerate(value)}
        if not isinstance(value, dict):
            return value
        if set(value) == {".sv"}:
            return self._served(value[".sv"], old)
        for name in value:
            check_name(name)
        inner = old if isinstance(old, dict) else {}
        kept = {name: self._kept(one, inner.get(name)) for name, one in value.items()}
        return {name: one for name, one in kept.items() if one is not None} or None

    def _served(self, wish: Any, old: Any) -> Any:
        if wish == "timestamp":
            return self.now_ms
        return (old if isinstance(old, int | float) else 0) + wish["increment"]


def names_of(path: str) -> list[str]:
    """Take a path apart; raises `BadPath`."""
    names = [name for name in path.split("/") if name]
    for name in names:
        check_name(name)
    return names


def check_name(name: str) -> None:
    """Raise `BadPath` for a name that the database does not take."""
    if not name or FORBIDDEN.search(name) or "/" in name or len(name.encode()) > 768:
        raise BadPath(f"Invalid data; couldn't parse key {name!r}")


def exported(raw: Any) -> Any:
    """Write a node as clients get it: a list where more than half of its places are filled."""
    if not isinstance(raw, dict):
        return raw
    whole = {name: exported(one) for name, one in raw.items()}
    if all(name.isdecimal() and str(int(name)) == name for name in raw):
        longest = max(map(int, raw)) + 1
        if longest <= MAX_INDEX and 2 * len(raw) > longest:
            return [whole.get(str(place)) for place in range(longest)]
    return whole


def node_hash(raw: Any) -> str:
    """Hash a node as the SDK does: leaves by type and value, children in the database's order."""
    if raw is None:
        return ""
    if isinstance(raw, dict):
        told = "".join(f":{name}:{node_hash(raw[name])}" for name in ordered(raw))
    elif isinstance(raw, bool):
        told = f"boolean:{str(raw).lower()}"
    elif isinstance(raw, int | float):
        told = f"number:{struct.pack('>d', raw).hex()}"
    else:
        told = f"string:{raw}"
    return base64.b64encode(hashlib.sha1(told.encode()).digest()).decode()


def ordered(raw: Mapping[str, Any]) -> Iterator[str]:
    """Give names in the database's order: numbers by value, then the rest."""
    numbers = sorted((name for name in raw if name.isdecimal()), key=int)
    return iter([*numbers, *sorted(name for name in raw if not name.isdecimal())])


def _placed(here: Any, names: list[str], value: Any) -> Any:
    if not names:
        return value
    first, *rest = names
    inner = dict(here) if isinstance(here, dict) else {}
    below = _placed(inner.get(first), rest, value)
    if below is None:
        inner.pop(first, None)
    else:
        inner[first] = below
    return inner or None

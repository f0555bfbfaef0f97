"""What a file and an address of it are, and the bounds of both.

An address is known by a token of 128 bits, of which only the digest is kept. *Up*: a station
brings one file, once; an attempt that breaks off gives the address back. *Down*: one file is
fetched, in as many pieces as the station likes within `FETCHES_MOST`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

UP: Final = "up"
DOWN: Final = "down"
FIRMWARE: Final = "firmware"
UPLOAD: Final = "upload"
ARRIVING, STORED, DELETED = "arriving", "stored", "deleted"

FETCHES_MOST: Final = 1000  # a station that fetches 1 MiB at a time, with retries
VALID_S: Final = 86_400  # until tomorrow: stations upload when they have time
VALID_S_MOST: Final = 30 * 86_400  # a retrieve date a month away
NAME_LENGTH: Final = 100
NAMELESS: Final = "file"

Direction = Literal["up", "down"]


class StoredFile(NamedTuple):
    """A file as it is known; *charger* brought it, or *brought_by* stored it."""

    file_id: int
    kind: str
    name: str
    state: str
    charger: str | None
    brought_by: str | None
    size: int
    sha256: str | None
    began_at_ms: int
    stored_at_ms: int | None
    command_id: int | None


class Address(NamedTuple):
    """Where one file may be brought or fetched."""

    address_id: int
    direction: str
    station_id: int | None
    file_id: int | None
    command_id: int | None
    expires_at_ms: int
    uses_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much room files may take, in bytes, and how long uploads are kept."""

    file_most: int
    total_most: int
    uploads_kept_ms: int


def digest_of(token: str) -> str:
    """Give what is kept of a token: who reads the database learns no address."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def clean_name(given: str) -> str:
    """Make a name that is safe to show and to save under; never used for a path of ours."""
    last = re.split(r"[/\\]", given)[-1]
    return re.sub(r"[^A-Za-z0-9._-]+", "_", last).strip("._")[-NAME_LENGTH:] or NAMELESS

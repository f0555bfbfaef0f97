"""Keys of stations: what counts as one, how it is kept, how it is compared.

A key is 160 random bits, beyond guessing, so a salted SHA-256 is enough: it costs 1 µs, and a car
park that reconnects after a power cut costs nothing (40 ms of argon2 each would be 40 s of CPU).
Stations send the 20 bytes themselves or their 40 hexadecimal digits; both are the same key.
Source: security whitepaper ed. 3, A00.FR.204-206; OCPP-J 6.2.2; ruling 38.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from csms_lite.errors import Unacceptable

HEX: Final = re.compile(rb"(?:[0-9A-Fa-f]{2}){16,20}")
SHORTEST, LONGEST = 16, 40  # characters; the field has 16 plain ones, OCPP allows 40
MOST_KEYS: Final = 4  # one in use and three that wait to be; each costs a comparison


class Key(NamedTuple):
    """A key as it is kept."""

    number: int
    salt: str
    digest: str


def as_bytes(key: str) -> bytes:
    """Read a key as staff and OCPP write it.

    Raises `Unacceptable` when it is too short or cannot be sent.
    """
    if not SHORTEST <= len(key) <= LONGEST or not key.isascii() or not key.isprintable():
        raise Unacceptable(
            f"a station's key is {SHORTEST} to {LONGEST} printable ASCII characters, "
            "best 40 hexadecimal digits: leave it out and one is made"
        )
    return _plain(key.encode())


def digest(key: bytes, salt: str) -> str:
    """Make what is kept of a key."""
    return hashlib.sha256(bytes.fromhex(salt) + key).hexdigest()


def matching(password: bytes, keys: Sequence[Key]) -> Key | None:
    """Find the key that a station has shown, in the same time whichever it is."""
    shown = _plain(password)
    found = None
    for key in keys:
        if hmac.compare_digest(digest(shown, key.salt), key.digest):
            found = key
    return found


def _plain(password: bytes) -> bytes:
    return bytes.fromhex(password.decode()) if HEX.fullmatch(password) else password

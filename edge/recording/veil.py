"""What others must not read, under names that keep equal what was equal: decisions stay the same.

Cards become aliases and secrets other text of the same make; which, only this process's key tells,
and it is never written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from edge.core.key_kinds import Kind
from edge.core.key_table import TABLE

MOST_FRAME: Final = 2048  # characters of a frame that are kept: the events hold all that counts
MOST_LOOKED_AT: Final = 1 << 16  # of one that is read at all
ALIAS_BYTES: Final = 6  # a car park has thousands of cards, not the millions that two would share
FINGERPRINT_BYTES: Final = 8

SECRET_KEYS: Final = frozenset(key.name.lower() for key in TABLE if key.kind is Kind.SECRET)
"""Configuration keys whose value nobody may read, in lower case."""

_TAGS: Final = frozenset({"idtag", "parentidtag", "idtoken"})
_PRIVATE: Final = re.compile(r'-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*')
_LOGIN: Final = re.compile(r"(?<=//)[^/@\s]*@")
_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")


class Veil:
    """The aliases of one process, made with *key*, 16 to 64 random bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def tag(self, tag: str) -> str:
        """An alias for a card; case counts as little as in the tag itself (CiString)."""
        if not tag:
            return tag
        alias = f"card{self._digest(tag.lower(), ALIAS_BYTES)}"
        return alias if tag == tag.lower() else alias.upper()

    def secret(self, text: str) -> str:
        """Text as long as *text*, with hexadecimal digits where it has some: as valid as it was.

        A private key in PEM, which the core never reads, becomes one word.
        """
        if "PRIVATE KEY" in text:
            return f"private-key-{self._digest(text, FINGERPRINT_BYTES)}"
        stream = hashlib.shake_128(self._key + text.encode()).hexdigest((len(text) + 1) // 2)
        return "".join(map(_alike, text, stream))

    def location(self, location: str) -> str:
        """An address without its login."""
        return _LOGIN.sub("***@", location)

    def swept(self, text: str) -> str:
        """*text* without private keys that are where none belongs, such as in a chain."""
        return _PRIVATE.sub("(private key)", text) if "PRIVATE KEY-----" in text else text

    def setting(self, key: str, value: str) -> str:
        """The value of a configuration key."""
        return self.secret(value) if key.lower() in SECRET_KEYS else value

    def frame(self, frame: str | bytes) -> str:
        """A frame of the line as it may be shown, however hostile its writer was."""
        if len(frame) > MOST_LOOKED_AT:
            return f"({len(frame)} characters)"
        try:
            said = msgspec.json.encode(self._said(msgspec.json.decode(frame))).decode()
        except (ValueError, RecursionError):
            return f"(no JSON, {len(frame)} characters)"
        said = self.swept(said)
        return said if len(said) <= MOST_FRAME else f"{said[:MOST_FRAME]}… ({len(said)} characters)"

    def _said(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            key = str(value.get("key", ""))
            return {name: self._field(name, inner, key) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._said(inner) for inner in value]
        return self.location(value) if isinstance(value, str) else value

    def _field(self, name: str, value: Any, key: str) -> Any:
        if not isinstance(value, str):
            return self._said(value)
        if name.lower() in _TAGS:
            return self.tag(value)
        if name == "data":  # of a DataTransfer: anybody's guess
            return f"({len(value)} characters)"
        return self.setting(key, value) if name == "value" else self.location(value)

    def _digest(self, text: str, size: int) -> str:
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=size).hexdigest()


def _alike(letter: str, digit: str) -> str:
    if letter in _HEXADECIMAL:
        return digit
    return "z" if letter.isalnum() else letter

"""How cards are called inside: by their UID, or in privacy mode by a keyed hash of it.

The one place between the readers and the core: what a reader says of a card is renamed here before
anybody else hears it, so that journal, lists, log, page and central system know the alias alone.
The key is made at the first start in privacy mode and never leaves the state directory. Whoever has
it finds the UID to an alias by trying them all: it is a pseudonym, no secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.drivers.system_clock import new_key
from edge.errors import ConfigError
from edge.wholefile import write_new

KEY: Final = "privacy.key"
KEY_BYTES: Final = 32
LETTERS: Final = 19  # of base32, behind an H that no UID has: idTag takes 20, of either case

_SEPARATOR: Final = re.compile(r"[\s:.-]")
_ALIAS: Final = re.compile(rf"H[A-Z2-7]{{{LETTERS}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What cards are called; *key* `None`: as the reader calls them.

    *former* is the key of a privacy mode that is off by now.
    """

    key: bytes | None = None
    former: bytes | None = None

    def of(self, uid: str) -> str:
        """The idTag of the card *uid*: 95 bits of HMAC-SHA-256, or what it is called anyway."""
        return uid if self.key is None else _alias(self.key, uid)

    def of_word(self, word: str) -> str:
        """The idTag that the configuration means by *word*, a UID or an alias."""
        return word if _ALIAS.fullmatch(word) else self.of(word)

    def ever_of(self, uid: str) -> tuple[str, ...]:
        """All that the card *uid* may have been called here, whichever mode it was."""
        key = self.key or self.former
        aliases = () if key is None else (_alias(key, uid),)
        return tuple(dict.fromkeys((uid, _plain(uid), *aliases)))


def _plain(uid: str) -> str:
    return _SEPARATOR.sub("", uid).upper()


def _alias(key: bytes, uid: str) -> str:
    digest = hmac.digest(key, _plain(uid).encode(), hashlib.sha256)
    return "H" + base64.b32encode(digest).decode()[:LETTERS]


def names(mode: str, state_dir: Path) -> Names:
    """What cards are called in *mode*; the key is made if it is not there. Raises `ConfigError`."""
    path = state_dir / KEY
    try:
        if mode == "off":
            return Names(former=known(state_dir).key) if path.exists() else Names()
        if not path.exists():
            write_new(path, new_key(KEY_BYTES))  # never half of one: it renames every card
        return known(state_dir)
    except OSError as error:
        raise ConfigError(f"{path} cannot be made ({error.strerror}): check the disk") from error


def known(state_dir: Path) -> Names:
    """What cards are called by the key in *state_dir*; raises `ConfigError` where there is none."""
    path = state_dir / KEY
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}): it is made at the first start with"
            ' [privacy] mode = "hashed"'
        ) from error
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{path} is no key of {KEY_BYTES} bytes: bring it back, or remove it")
    return Names(key=key)

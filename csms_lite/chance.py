"""The only place that asks for randomness; tests give it a seeded generator."""

from __future__ import annotations

import random
from uuid import UUID

CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that look like another
CODE_LENGTH = 8

KEY_BYTES = 20  # the longest AuthorizationKey of OCPP: 40 hexadecimal digits
SALT_BYTES = 16
TOKEN_BYTES = 32  # 256 bits: beyond guessing


class Chance:
    """Makes what must differ each time."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def message_id(self) -> str:
        """Make an OCPP message id: unique over all connections (J errata 3.1)."""
        return str(UUID(int=self._source.getrandbits(128), version=4))

    def code(self) -> str:
        """Make a station's public code."""
        return "".join(self._source.choices(CODE_LETTERS, k=CODE_LENGTH))

    def digits(self) -> str:
        """Make a code of six digits, as people copy from a mail."""
        return f"{self._source.randrange(10**6):06d}"

    def token(self) -> str:
        """Make a bearer token; only as good as the source, so that must be the system's."""
        return self._source.randbytes(TOKEN_BYTES).hex()

    def key(self) -> str:
        """Make a station's key; as good as the source, as a token is."""
        return self._source.randbytes(KEY_BYTES).hex()

    def salt(self) -> str:
        """Make a salt, in hexadecimal."""
        return self._source.randbytes(SALT_BYTES).hex()


def system_chance() -> Chance:
    """Give the operating system's randomness."""
    return Chance(random.SystemRandom())

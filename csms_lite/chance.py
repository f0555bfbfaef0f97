"""The only place that asks for randomness; tests give it a seeded generator."""

from __future__ import annotations

import random
from uuid import UUID

from csms_lite.stations.rules import CODE_LENGTH, CODE_LETTERS

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # base32 without I, L, O, U
VIRTUAL_TAG_LETTERS = 20  # CiString20; 20 times 5 are 100 random bits

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

    def virtual_tag(self) -> str:
        """Make the idTag of an account: 100 random bits, nothing that can be guessed."""
        return "".join(self._source.choices(CROCKFORD, k=VIRTUAL_TAG_LETTERS))

    def token(self) -> str:
        """Make a bearer token; only as good as the source, so that must be the system's."""
        return self._source.randbytes(TOKEN_BYTES).hex()


def system_chance() -> Chance:
    """Give the operating system's randomness."""
    return Chance(random.SystemRandom())

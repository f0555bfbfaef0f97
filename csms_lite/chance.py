"""The only place that asks for randomness; tests give it a seeded generator."""

from __future__ import annotations

import random
from uuid import UUID

CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that look like another
CODE_LENGTH = 8

KEY_BYTES = 20  # the longest AuthorizationKey of OCPP: 40 hexadecimal digits
SALT_BYTES = 16
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # base32 without I, L, O, U
VIRTUAL_TAG_LETTERS = 20  # CiString20; 20 times 5 are 100 random bits

TOKEN_BYTES = 32  # 256 bits: beyond guessing

SERIAL_BITS = 159  # RFC 5280 4.1.2.2: at most 20 octets, positive
ADDRESS_BYTES = 16  # 128 bits, for a day or a month


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

    def virtual_tag(self) -> str:
        """Make the idTag of an account: 100 random bits, nothing that can be guessed."""
        return "".join(self._source.choices(CROCKFORD, k=VIRTUAL_TAG_LETTERS))

    def token(self) -> str:
        """Make a bearer token; only as good as the source, so that must be the system's."""
        return self._source.randbytes(TOKEN_BYTES).hex()

    def address(self) -> str:
        """Make the secret part of an address, with 128 bits, in letters that every URL holds."""
        return self._source.randbytes(ADDRESS_BYTES).hex()

    def serial(self) -> int:
        """Make a certificate's serial number: positive, 159 bits as RFC 5280 allows."""
        return 1 + self._source.getrandbits(SERIAL_BITS - 1)

    def key(self) -> str:
        """Make a station's key; as good as the source, as a token is."""
        return self._source.randbytes(KEY_BYTES).hex()

    def salt(self) -> str:
        """Make a salt, in hexadecimal."""
        return self._source.randbytes(SALT_BYTES).hex()


def system_chance() -> Chance:
    """Give the operating system's randomness."""
    return Chance(random.SystemRandom())

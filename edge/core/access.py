"""How the station proves itself to the central system: one security profile and its password."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from edge.core.vocabulary import SecurityEvent
from edge.core.x509 import Credential

WITH_KEY: Final = (1, 2)
"""The profiles whose handshake carries the AuthorizationKey (whitepaper 2.3, 2.4)."""

WITH_TLS: Final = (2, 3)
"""The profiles on TLS (whitepaper 2.4, 2.5)."""

WITH_CERTIFICATE: Final = 3
"""The profile in which the station shows a certificate of its own (whitepaper 2.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One way in: *profile* 0-3 and, for 1 and 2, the AuthorizationKey as it was given to us.

    For 3 *credential* is the certificate to show; `None`: the one in the installer's files.
    """

    profile: int = 0
    key: str | None = field(default=None, repr=False)
    credential: Credential | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """How we were let in last, and what the way back is until a new profile or key has worked.

    *suspected* is what kept us out since then, as far as the security log has words for it.
    """

    admitted: Access | None = None
    old_profile: int | None = None
    old_key: str | None = field(default=None, repr=False)
    suspected: frozenset[SecurityEvent] = frozenset()

    @property
    def fallback(self) -> tuple[int | None, str | None]:
        """The part that a restart must know."""
        return self.old_profile, self.old_key

"""Events that are wishes of whoever is in charge on the spot: the owner, his energy manager."""

from __future__ import annotations

from dataclasses import dataclass

from edge.core.instant import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SetpointGiven:
    """A local energy manager allows *limit_a* for *for_s* seconds; `None`: it gives up its say."""

    at: Instant
    connector: int
    limit_a: float | None
    for_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAsked:
    """Somebody has looked at *connector* and says that what keeps it Faulted is mended."""

    at: Instant
    connector: int

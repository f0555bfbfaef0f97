"""Who knocked without being known: noted for an operator, never in service. Bounded."""

from __future__ import annotations

from typing import Final, NamedTuple

MOST_STRANGERS: Final = 200  # more than any yard has unopened; the longest unseen is forgotten


class Stranger(NamedTuple):
    """One who knocked; what it says of itself is known only if it could say it."""

    identity: str
    address: str
    knocks: int
    first_at_ms: int
    last_at_ms: int
    vendor: str | None
    model: str | None
    serial: str | None
    firmware: str | None

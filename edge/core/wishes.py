"""Events that are wishes of whoever is in charge on the spot: the owner, his energy manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.core.instant import Instant
from edge.core.records import Queued


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageAcknowledged:
    """Somebody on this machine knows that the journal was damaged, and what is missing."""

    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferAsked:
    """Somebody on this machine wants a DataTransfer sent (4.3); exactly one `HandBack` follows."""

    at: Instant
    number: int
    vendor_id: str
    message_id: str | None = None
    data: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendAsked:
    """Somebody on this machine wants these dead letters told again, oldest first.

    A StartTransaction comes with all that is kept of its session. *numbers* are the transaction ids
    of the sessions among them that have one, by our refs. *waiting* are the attempts of what waits
    of the sessions whose StartTransaction is among them, by seq.
    """

    at: Instant
    letters: tuple[Queued, ...]
    numbers: Mapping[int, int]
    waiting: Mapping[int, int]

"""What a request for a certificate is, and who signs it.

waiting ──► signed     by the authority of the settings, or with a chain an operator gives
refused                its answer was Rejected: the reason is kept
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

WAITING, SIGNED, REFUSED = "waiting", "signed", "refused"
SIGNED_A_DAY: Final = 5  # a station in a loop shall not keep us signing
DAY_MS: Final = 86_400_000
CHAIN_LENGTH: Final = 10_000  # what CertificateSigned carries

Fault = Callable[[str, str], str | None]
"""What is wrong with a request (PEM) of the station called so; `None` when nothing is."""


class SigningRequest(NamedTuple):
    """A request as it is stored."""

    request_id: int
    station_id: int
    charger: str
    csr: str
    state: str
    problem: str | None
    came_at_ms: int
    ended_at_ms: int | None
    chain: str | None
    command_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Who signs: an authority that finds *fault* first, an operator *by_hand*, or nobody."""

    fault: Fault | None = None
    by_hand: bool = False


NOBODY: Final = Signing()

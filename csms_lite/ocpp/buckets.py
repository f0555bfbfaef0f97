"""Bounds on how often somebody may try to come in, before anything is looked up or hashed."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final

MOST: Final = 4096  # buckets in memory; the longest untouched is forgotten first
V6_NETWORK: Final = 64  # bits; whoever has one IPv6 address has all of these


class Buckets:
    """Token buckets by name: *holds* tokens, one more every *fills_s* seconds."""

    def __init__(self, holds: int, fills_s: float) -> None:
        self._holds = holds
        self._fills_s = fills_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def has_token(self, name: str, now: float) -> bool:
        """Say whether a try is left; *now* is monotonic, in seconds."""
        return self._level(name, now) >= 1

    def take(self, name: str, now: float) -> None:
        """Take a token for a try that failed."""
        self._left[name] = max(0.0, self._level(name, now) - 1), now
        self._left.move_to_end(name)
        if len(self._left) > MOST:
            self._left.popitem(last=False)

    def _level(self, name: str, now: float) -> float:
        level, at = self._left.get(name, (float(self._holds), now))
        return min(self._holds, level + (now - at) / self._fills_s)


def network_of(address: str) -> str:
    """Name whom an address stands for: itself, or its IPv6 network."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    return str(ipaddress.ip_network((known, V6_NETWORK), strict=False))

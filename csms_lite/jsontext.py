"""JSON as text columns and on the wire: fast, compact, and canonical for digests."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_canonical = msgspec.json.Encoder(order="deterministic")


def dumps(value: object) -> str:
    """Write compact JSON."""
    return _encoder.encode(value).decode()


def canonical(value: object) -> str:
    """Write compact JSON that is the same for equal values, whatever their key order."""
    return _canonical.encode(value).decode()


def loads(text: str) -> Any:  # JSON is whatever was stored
    """Read JSON that we wrote."""
    return msgspec.json.decode(text)


def fingerprint(text: str) -> int:
    """Give a text's number of 64 bits, with sign: equal texts share it, others as good as never."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


def digest(value: object) -> str:
    """Name a JSON value by its content: equal values, whatever their key order, share it."""
    return hashlib.blake2b(_canonical.encode(value), digest_size=16).hexdigest()

"""Figures of a benchmark: percentiles, and the one line that says them."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of *values* that *share* (0..1) of them do not exceed: nearest rank."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def spread(values: Sequence[float]) -> str:
    """`p50 1 p99 2 worst 3 ms of 4` for *values* in seconds."""
    p50, p99, worst = (1000 * percentile(values, share) for share in (0.5, 0.99, 1.0))
    return f"p50 {p50:.1f} p99 {p99:.1f} worst {worst:.1f} ms of {len(values)}"


def tell(name: str, figures: str, bar: str, *, met: bool) -> int:
    """Print the line of benchmark *name*; 0 when the bar is met, else 1."""
    print(f"{name}: {figures}; bar {bar}: {'met' if met else 'MISSED'}", flush=True)
    return 0 if met else 1

"""Numbers for Prometheus, in its text format 0.0.4.

Written here and not by prometheus_client: that keeps its numbers in a registry of the module, and
ours are kept already by those whom they concern; the format is three lines.
Source: prometheus.io/docs/instrumenting/exposition_formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
VALUES_MAX: Final = 500  # of one metric: a label must never be what a stranger makes up

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric and its values."""

    name: str
    kind: str
    """`counter` or `gauge`."""
    help: str
    values: Sequence[tuple[Labels, float]]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations in classes; *counts* are of those at most as long as each bound."""

    name: str
    help: str
    labels: Labels
    bounds: Sequence[float]
    counts: Sequence[int]
    total: float
    count: int


def exposition(metrics: Iterable[Metric | Histogram]) -> str:
    """Write the page; metrics of one name stand together."""
    lines: list[str] = []
    seen: set[str] = set()
    for metric in metrics:
        kind = metric.kind if isinstance(metric, Metric) else "histogram"
        if metric.name not in seen:
            seen.add(metric.name)
            lines += (f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {kind}")
        lines += _samples(metric)
    return "\n".join(lines) + "\n"


def _samples(metric: Metric | Histogram) -> list[str]:
    if isinstance(metric, Metric):
        return [_sample(metric.name, *value) for value in metric.values[:VALUES_MAX]]
    ends = [*zip(map(repr, metric.bounds), metric.counts, strict=True), ("+Inf", metric.count)]
    return [
        *(_sample(f"{metric.name}_bucket", {**metric.labels, "le": le}, n) for le, n in ends),
        _sample(f"{metric.name}_sum", metric.labels, metric.total),
        _sample(f"{metric.name}_count", metric.labels, metric.count),
    ]


def _sample(name: str, labels: Labels, value: float) -> str:
    told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{told}}} {value}" if told else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

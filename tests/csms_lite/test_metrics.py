"""Prometheus' text format."""

from __future__ import annotations

from csms_lite.metrics import VALUES_MAX, Histogram, Metric, exposition


def test_the_page_is_in_the_text_format() -> None:
    """Help and type once per name, labels escaped, classes that add up."""
    page = exposition(
        [
            Metric("a_total", "counter", "All.", [({"x": 'q"\\\n'}, 3), ({}, 0.5)]),
            Histogram("b_seconds", "Long.", {"s": "m"}, (0.1, 1.0), (2, 3), 4.5, 4),
            Histogram("b_seconds", "Long.", {"s": "n"}, (0.1, 1.0), (0, 0), 0.0, 0),
        ]
    )
    assert page.splitlines()[:9] == [
        "# HELP a_total All.",
        "# TYPE a_total counter",
        'a_total{x="q\\"\\\\\\n"} 3',
        "a_total 0.5",
        "# HELP b_seconds Long.",
        "# TYPE b_seconds histogram",
        'b_seconds_bucket{s="m",le="0.1"} 2',
        'b_seconds_bucket{s="m",le="1.0"} 3',
        'b_seconds_bucket{s="m",le="+Inf"} 4',
    ]
    assert page.count("# TYPE b_seconds") == 1
    assert page.endswith("\n")


def test_values_are_bounded() -> None:
    """A label that a stranger makes up must not fill the page."""
    values = [({"x": str(number)}, 1.0) for number in range(VALUES_MAX * 2)]
    assert len(exposition([Metric("a", "gauge", "A.", values)]).splitlines()) == VALUES_MAX + 2

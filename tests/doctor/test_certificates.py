"""The doctor says of each certificate when it ends, while there is time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.doctor.certificates import judge

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (61, None),
        (60, "certificate.ends"),
        (8, "certificate.ends"),
        (7, "certificate.ends_now"),
        (-1, "certificate.over"),
    ],
)
def test_a_certificate_that_ends_is_found_in_time(days: int, code: str | None) -> None:
    """Complaint 32: a notice two months before, a fault in the last week and behind it."""
    found = list(judge({"[csms] ca_file": NOW + timedelta(days=days)}, NOW))
    assert [each.code for each in found] == [code] * (code is not None)
    assert all("[csms] ca_file" in each.what and each.remedy for each in found)

"""Whose word on the caller's address counts: nobody's but that of proxies that were named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.csms_lite.central import running


@pytest.mark.parametrize(("proxies", "expected"), [((), 429), (("127.0.0.1",), 401)])
async def test_a_header_gets_nobody_around_the_limits(
    tmp_path: Path, proxies: tuple[str, ...], expected: int
) -> None:
    """Twenty tries a minute of one address, unless a trusted proxy says that it is another."""
    async with running(tmp_path, trusted_proxies=proxies) as central:
        for number in range(21):
            answer = await central.http.post(
                "/api/auth/login",
                json={"email": f"p{number}@example.org", "password": "not-this-one"},
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
            )
    assert answer.status_code == expected

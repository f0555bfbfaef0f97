"""Where a webhook may go, how it is signed, when it is tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from csms_lite.errors import Unacceptable
from csms_lite.live.rules import check_kinds
from csms_lite.webhooks.rules import (
    check_url,
    is_public,
    next_attempt_ms,
    secret_of,
    signature,
)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "nonsense",
    ],
)  # fmt: skip
def test_private_addresses_are_told(address: str) -> None:
    """Whatever dress they wear."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "64:ff9b::909:909"])
def test_public_addresses_are_told(address: str) -> None:
    """The open internet."""
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "", "http://host/", "ftp://host/", "https://", "https:///x", "https://me:pw@host/",
        "https://host/#a", "https://host:0/", "https://host:99999/", "https://ho st/",
        "https://hóst/", "https://host/\r\nx: y", "https://[::1", "https://host/" + "a" * 500,
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    """At once, not at the first delivery."""
    with pytest.raises(Unacceptable):
        check_url(url, is_http_allowed=False)


def test_http_is_for_those_who_allow_it() -> None:
    """Anybody on the way reads it."""
    check_url("https://host:8443/hook?x=1", is_http_allowed=False)
    check_url("http://host/hook", is_http_allowed=True)


def test_a_kind_that_there_is_not_is_refused() -> None:
    """A misspelt one would never be told."""
    check_kinds(["session", "alert"])
    with pytest.raises(Unacceptable, match="meeting"):
        check_kinds(["meeting"])


def test_a_signature_is_as_the_standard_wants_it() -> None:
    """HMAC-SHA256 over id, time and body with the bytes of the secret (Standard Webhooks)."""
    key = bytes(range(32))
    secret = secret_of(key.hex())
    expected = base64.b64encode(hmac.new(key, b'id.7.{"a":1}', hashlib.sha256).digest())
    assert signature(secret, "id", 7, '{"a":1}') == f"v1,{expected.decode()}"
    assert signature(secret, "id", 8, '{"a":1}') != signature(secret, "id", 7, '{"a":1}')


def test_the_known_answer_of_the_standard() -> None:
    """The example of the specification's libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = '{"test": 2432232314}'
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_is_tried_five_times() -> None:
    """After 1, 5, 15 and 60 minutes; then it is dead."""
    found = [next_attempt_ms(attempts, 0) for attempts in range(1, 6)]
    assert found == [60_000, 300_000, 900_000, 3_600_000, None]

"""Which address may be posted to, how a body is signed, and when it is tried again. Pure.

Signatures are those of Standard Webhooks (standardwebhooks.com), for which libraries exist: header
`webhook-signature: v1,` and base64 of HMAC-SHA256 over `ID.TIMESTAMP.BODY`.
"""

from __future__ import annotations

import base64
import hmac
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from csms_lite.errors import Unacceptable

RETRY_AFTER_MIN: Final = (1, 5, 15, 60)
"""Minutes to the next attempt after each failure; after one more the delivery is dead."""
LEASE_MS: Final = 60_000  # an attempt takes ten seconds: by then the process that made it is gone
URL_MAX: Final = 500
SECRET_START: Final = "whsec_"  # noqa: S105  # how the standard marks one
MINUTE_MS: Final = 60_000
_NAT64: Final = ip_network("64:ff9b::/96")


class Webhook(NamedTuple):
    """A subscription."""

    webhook_id: int
    url: str
    kinds_json: str
    state: str
    told: int
    created_at_ms: int


class Delivery(NamedTuple):
    """One message to one receiver."""

    delivery_id: int
    webhook_id: int
    number: int
    kind: str
    state: str
    attempts: int
    due_at_ms: int
    status: int | None
    problem: str | None
    ended_at_ms: int | None


class Due(NamedTuple):
    """What an attempt needs."""

    delivery_id: int
    number: int
    body: str
    attempts: int
    url: str
    secret: str


def check_url(url: str, *, is_http_allowed: bool) -> None:
    """Refuse an address that no message may go to; raises `Unacceptable`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unacceptable("the url cannot be read") from None
    schemes = {"https", "http"} if is_http_allowed else {"https"}
    if (
        len(url) > URL_MAX
        or not url.isascii()
        or not url.isprintable()
        or " " in url
        or parts.scheme not in schemes
        or not parts.hostname
        or port == 0
    ):
        raise Unacceptable(
            f"the url is an address of at most {URL_MAX} ASCII characters that begins with "
            f"{' or '.join(sorted(f'{one}://' for one in schemes))}"
        )
    if parts.username is not None or parts.fragment:
        raise Unacceptable("the url holds no user name and no fragment: the signature proves us")


def is_public(address: str) -> bool:
    """Tell an address of the open internet from one that only we can reach."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _inner(ip)
    return all(one.is_global and not one.is_multicast for one in (ip, *inner))


def _inner(ip: IPv4Address | IPv6Address) -> tuple[IPv4Address, ...]:
    """Give the IPv4 address that an IPv6 address leads to, as gateways translate it."""
    if isinstance(ip, IPv4Address):
        return ()
    if ip in _NAT64:
        return (IPv4Address(int(ip) & 0xFFFFFFFF),)
    if ip.ipv4_mapped is not None:
        return (ip.ipv4_mapped,)
    if ip.sixtofour is not None:
        return (ip.sixtofour,)
    return () if ip.teredo is None else ip.teredo


def signature(secret: str, delivery_id: str, at_s: int, body: str) -> str:
    """Sign one attempt."""
    key = base64.b64decode(secret.removeprefix(SECRET_START))
    signed = f"{delivery_id}.{at_s}.{body}".encode()
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def secret_of(token: str) -> str:
    """Write random hexadecimal digits as the secret of a webhook."""
    return SECRET_START + base64.b64encode(bytes.fromhex(token)).decode()


def next_attempt_ms(attempts: int, now_ms: int) -> int | None:
    """Say when to try again after the *attempts*-th failed; `None`: never."""
    if attempts > len(RETRY_AFTER_MIN):
        return None
    return now_ms + RETRY_AFTER_MIN[attempts - 1] * MINUTE_MS

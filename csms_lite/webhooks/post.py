"""One signed POST to an address that was looked up and judged before it is connected to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from functools import cached_property
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import httpx

from csms_lite.webhooks.rules import is_public

WITHIN_S: Final = 10.0  # for all of it: name, connection, TLS, answer
READ_MAX: Final = 4096  # bytes of an answer that nobody looks at
OK: Final = range(200, 300)
MOVED: Final = range(300, 400)


class Outcome(NamedTuple):
    """How an attempt ended; without a problem it arrived."""

    status: int | None
    problem: str | None


class Poster:
    """Posts to receivers; private addresses only when *is_private_allowed*."""

    def __init__(self, *, is_private_allowed: bool, within_s: float = WITHIN_S) -> None:
        self._is_private_allowed = is_private_allowed
        self._within_s = within_s

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Trust whom this machine trusts; made once, it reads many files."""
        return ssl.create_default_context()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Post once; follows no redirect, uses no proxy, reads little of the answer."""
        try:
            async with asyncio.timeout(self._within_s):
                return await self._post(url, body, headers)
        except TimeoutError:
            return Outcome(None, f"no answer within {self._within_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as failure:  # no host
            return Outcome(None, f"{type(failure).__name__}: {failure}")
        except OSError as failure:
            return Outcome(None, f"the address cannot be found: {failure.strerror or failure}")

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(one[4][0]) for one in found]
        if not self._is_private_allowed and not all(map(is_public, addresses)):
            return Outcome(None, "the address is a private one, which no setting allows")
        async with (
            httpx.AsyncClient(
                timeout=self._within_s, trust_env=False, verify=self._trust
            ) as client,
            client.stream(
                "POST",
                httpx.URL(url).copy_with(host=addresses[0]),
                content=body,
                headers={"host": parts.netloc, "accept-encoding": "identity", **headers},
                extensions={"sni_hostname": host},
            ) as answer,
        ):
            read = 0
            async for piece in answer.aiter_raw(READ_MAX):
                read += len(piece)
                if read >= READ_MAX:
                    break
            status = answer.status_code
        if status in OK:
            return Outcome(status, None)
        if status in MOVED:
            return Outcome(status, "it redirects: give the address itself as the url")
        return Outcome(status, f"it answered {status}")

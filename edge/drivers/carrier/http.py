"""HTTP(S): GET with Range, PUT into a directory; redirects only within the same host."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote, urljoin, urlsplit

import httpx

from edge.drivers.carrier.parts import Part
from edge.drivers.carrier.places import PORTS, NotCarried, Place, Unreachable

REDIRECTS_MAX: Final = 3
PATH_SAFE: Final = "/%:@!$&'()*+,;=~-._"
CHUNK: Final = 65_536
REFUSALS: Final = {
    401: "denied",
    403: "denied",
    407: "denied",
    400: "malformed",
    405: "unsupported",
    501: "unsupported",
}

Tell = Callable[[int], None]


class _Gone(Exception):
    """The part that we hold fits no version of the file any more."""


def fetch(
    place: Place, address: str, part: Part, tell: Tell, *, context: ssl.SSLContext, stall_s: float
) -> None:
    """Download the whole file or the rest of it; raises `NotCarried`."""
    with _client(context, stall_s) as client:
        talk = _Talk(client=client, place=place, address=address)
        try:
            _get(talk, part, tell, part.known())
        except _Gone:
            part.drop()
            _get(talk, part, tell, (0, None))


def _get(talk: _Talk, part: Part, tell: Tell, known: tuple[int, str | None]) -> None:
    offset, version = known
    headers = {"Accept-Encoding": "identity"}
    if version is not None:
        headers |= {"Range": f"bytes={offset}-", "If-Range": version}
    with talk.ask("GET", headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
            raise _Gone
        _check(response)
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            offset = 0
        elif not _follows(response, offset):
            raise _Gone
        length = response.headers.get("Content-Length", "")
        total = offset + int(length) if length.isdigit() else None
        done = offset
        with part.open(offset, _version(response), total) as file:
            for chunk in response.iter_raw(CHUNK):
                done += len(chunk)
                part.check(done)
                file.write(chunk)
                tell(done)
        if total is not None and done != total:
            raise NotCarried("other", f"{done} of {total} bytes came")
    part.complete()


def _follows(response: httpx.Response, offset: int) -> bool:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return found is not None and int(found.group(1)) == offset


def _version(response: httpx.Response) -> str | None:
    """Name the version by what If-Range may hold: a strong ETag, or the date."""
    etag = str(response.headers.get("ETag", ""))
    if etag.startswith('"'):
        return etag
    date = response.headers.get("Last-Modified")
    return None if date is None else str(date)


def deliver(
    place: Place,
    address: str,
    source: Path,
    name: str,
    tell: Tell,
    *,
    context: ssl.SSLContext,
    stall_s: float,
) -> None:
    """Upload *source* to the directory, or to the very address where it carries a query."""
    if not place.query:
        place = replace(place, path=f"{place.path.rstrip('/')}/{quote(name)}")
    with source.open("rb") as file, _client(context, stall_s) as client:
        talk = _Talk(client=client, place=place, address=address)
        headers = {"Content-Type": "application/octet-stream"}
        with talk.ask("PUT", headers, _Counted(file, tell)) as response:
            _check(response)


class _Counted:
    """A file that tells how much of it was read."""

    def __init__(self, file: IO[bytes], tell: Tell) -> None:
        self._file = file
        self._tell = tell

    def fileno(self) -> int:
        return self._file.fileno()

    def rewind(self) -> None:
        self._file.seek(0)

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._file.read(CHUNK):
            yield chunk
            self._tell(self._file.tell())


def _client(context: ssl.SSLContext, stall_s: float) -> httpx.Client:
    # Neither proxies nor .netrc of the environment: the connection goes to the checked address.
    return httpx.Client(
        verify=context, trust_env=False, follow_redirects=False, timeout=httpx.Timeout(stall_s)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Talk:
    """Requests to one place, by the address that was checked."""

    client: httpx.Client
    place: Place
    address: str

    @contextmanager
    def ask(
        self, method: str, headers: dict[str, str], body: _Counted | None = None
    ) -> Iterator[httpx.Response]:
        """Ask, and follow redirects that stay with this host."""
        place = self.place
        for _ in range(REDIRECTS_MAX + 1):
            response = self._send(self._request(place, method, headers, body))
            try:
                if not response.has_redirect_location:
                    with _translated(place):
                        yield response
                    return
                place = _redirected(place, response.headers["Location"])
            finally:
                response.close()
        raise NotCarried("other", f"{place.host} redirects without end")

    def _send(self, request: httpx.Request) -> httpx.Response:
        place = self.place
        try:
            with _translated(place):
                return self.client.send(request, auth=_login(place), stream=True)
        except NotCarried as error:
            if isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout):
                raise Unreachable(str(error)) from error
            raise

    def _request(
        self, place: Place, method: str, headers: dict[str, str], body: _Counted | None
    ) -> httpx.Request:
        """Address the request to the checked address, name the host in Host and SNI."""
        if body is not None:
            body.rewind()
        host = f"[{self.address}]" if ":" in self.address else self.address
        path = quote(place.path, safe=PATH_SAFE) + (f"?{place.query}" if place.query else "")
        return self.client.build_request(
            method,
            f"{place.scheme}://{host}:{place.port}{path}",
            headers={**headers, "Host": place.netloc},
            content=body,
            extensions={"sni_hostname": place.host},
        )


@contextmanager
def _translated(place: Place) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        why = f"{place.host}: {type(error).__name__} {error}"
        raise NotCarried("other", why) from error


def _login(place: Place) -> httpx.BasicAuth | None:
    return None if place.user is None else httpx.BasicAuth(place.user, place.password or "")


def _redirected(place: Place, location: str) -> Place:
    parts = urlsplit(urljoin(f"{place.scheme}://{place.netloc}{place.path}", location))
    try:
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        port = None
    if (parts.scheme, parts.hostname, port) != (place.scheme, place.host, place.port):
        raise NotCarried("denied", f"{place.host} redirects to another host")
    return replace(place, path=parts.path or "/", query=parts.query)


def _check(response: httpx.Response) -> None:
    if not response.is_success:
        kind = REFUSALS.get(response.status_code, "other")
        raise NotCarried(kind, f"the far end says {response.status_code}")

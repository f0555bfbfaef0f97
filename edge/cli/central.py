"""The central system as an operator reaches it: HTTP with the token, news by server-sent events."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from edge.errors import DriverError
from edge.ports import Clock

WITHIN_S: Final = 10.0
REFUSED: Final = 400

Found = TypeVar("Found")


class Central:
    """csms_lite at *url*; *code* names the station whose news are followed."""

    def __init__(self, url: str, token: str, code: str, clock: Clock) -> None:
        self.page = f"{url}/c/{code}"
        self._address = urlsplit(url).netloc
        self._token = token
        self._news = f"/api/public/stations/{code}/events"
        self._clock = clock

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What it answers; raises `DriverError` if it refuses or is not there."""
        connection = HTTPConnection(self._address, timeout=WITHIN_S)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as problem:
            raise DriverError(f"the central system does not answer {path}: {problem}") from problem
        finally:
            connection.close()
        if response.status >= REFUSED:
            raise DriverError(f"{method} {path} was refused: {answer.decode(errors='replace')}")
        return json.loads(answer)

    def until(self, what: str, fact: Callable[[], Found | None], within_s: float) -> Found:
        """What *fact* finds, asked again at all news; raises `DriverError` in the end."""
        ends = self._clock.now().monotonic + within_s
        connection = HTTPConnection(self._address, timeout=within_s)
        try:
            connection.request("GET", self._news)
            news = connection.getresponse()
            while self._clock.now().monotonic < ends and (line := news.readline()):
                if line == b"\n" and (found := fact()) is not None:
                    return found
        except (OSError, HTTPException) as problem:
            raise DriverError(f"the central system knows of no {what}: {problem}") from problem
        finally:
            connection.close()
        raise DriverError(f"the central system knows of no {what} after {within_s:.0f} s")

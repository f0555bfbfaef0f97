"""What this station can tell of itself: its latest log lines, its journal in short, its versions.

`LogRing` hears every line of the daemon's log; `StationGatherer` packs it, with whatever parts the
app adds and what the flight recorder holds, into one bounded file, or writes out the security log.
No secrets: passwords, keys and addresses' logins become `***`, tags keep their last four
characters.

Quality: tested as values and as archives; bounded by construction.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import tarfile
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from edge.core.instant import rfc3339
from edge.core.security_log import SecurityEventLogged
from edge.core.vocabulary import LogType
from edge.errors import TransferFailed

RING_MAX: Final = 2 * 2**20  # bytes; some days of a quiet station, minutes of a mad one
PART_MAX: Final = 2 * 2**20  # bytes of one part of the archive
TAG_SHOWN: Final = 4
RECORDING: Final = "recording.rec"  # bounded and without secrets where it comes from

Part = Callable[[], Awaitable[object]]
Record = Callable[[], Iterable[bytes]]
ReadSecurityLog = Callable[[], Awaitable[Sequence[SecurityEventLogged]]]

_SECRET: Final = re.compile(
    r"password|secret|token|credential|authorizationkey|private_key", re.IGNORECASE
)
_TAG: Final = ("idtag", "id_tag", "parentidtag", "parent_id_tag", "stopping_id_tag", "tag")
_LOGIN: Final = re.compile(r"(?<=//)[^/@\s]*@")
_STAMP: Final = re.compile(r"timestamp=(\S+)")


class LogRing:
    """The newest lines of the log; stands last in structlog's chain and passes lines on."""

    def __init__(self, size_max: int = RING_MAX) -> None:
        self._lines: deque[str] = deque()
        self._size = 0
        self._size_max = size_max

    def __call__(self, _logger: object, _method: str, line: Any) -> str:
        """Keep *line*, which the renderer before made."""
        assert isinstance(line, str)  # it stands behind a renderer
        kept = _LOGIN.sub("***@", line)
        self._lines.append(kept)
        self._size += len(kept) + 1
        while self._size > self._size_max:
            self._size -= len(self._lines.popleft()) + 1
        return line

    def between(self, oldest: datetime | None, latest: datetime | None) -> str:
        """The lines from *oldest* to *latest*; one without a time goes with those before it."""
        chosen, wanted = [], oldest is None
        for line in self._lines:
            at = _time_of(line)
            if at is not None:
                wanted = (oldest is None or at >= oldest) and (latest is None or at <= latest)
            if wanted:
                chosen.append(line + "\n")
        return "".join(chosen)


class StationGatherer:
    """Implements `edge.ports.Gatherer`; *parts* by the name of their file, without `.json`."""

    def __init__(
        self,
        ring: LogRing,
        parts: Mapping[str, Part],
        security_log: ReadSecurityLog,
        record: Record,
    ) -> None:
        self._ring = ring
        self._parts = parts
        self._security_log = security_log
        self._record = record

    async def gather(
        self, log_type: LogType, target: Path, oldest: datetime | None, latest: datetime | None
    ) -> None:
        """Write the security log, or everything else as a `.tar.gz`; raises `TransferFailed`."""
        write: Callable[[], object]
        if log_type is LogType.SECURITY:
            lines = _security_lines(await self._security_log(), oldest, latest)
            write = partial(target.write_bytes, "".join(lines).encode())
        else:
            files = await self._files(oldest, latest)
            write = partial(_pack, target, files, self._record())
        try:
            await asyncio.to_thread(write)
        except OSError as error:
            raise TransferFailed("other", f"{target} cannot be written: {error}") from error

    async def _files(self, oldest: datetime | None, latest: datetime | None) -> dict[str, bytes]:
        files = {"log.txt": self._ring.between(oldest, latest).encode()}
        for name, part in self._parts.items():
            text = json.dumps(scrubbed(await part()), indent=1, default=str)
            files[f"{name}.json"] = text.encode()[:PART_MAX]
        return files


def _security_lines(
    lines: Iterable[SecurityEventLogged], oldest: datetime | None, latest: datetime | None
) -> Iterator[str]:
    """Time, type and what else is known, of the events from *oldest* to *latest*."""
    for line in lines:
        wall = line.at.wall
        if (oldest is None or wall >= oldest) and (latest is None or wall <= latest):
            yield f"{rfc3339(wall)} {line.event} {line.info or ''}".rstrip() + "\n"


def scrubbed(value: object) -> object:
    """*value* without secrets and with masked tags, whatever its depth."""
    if isinstance(value, Mapping):
        return {str(name): _told(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [scrubbed(inner) for inner in value]
    return _LOGIN.sub("***@", value) if isinstance(value, str) else value


def _told(name: str, value: object) -> object:
    if value is not None and _SECRET.search(name):
        return "***"
    if isinstance(value, str) and name.lower() in _TAG:
        return "…" + value[-TAG_SHOWN:] if len(value) > TAG_SHOWN else "…"
    return scrubbed(value)


def _time_of(line: str) -> datetime | None:
    found = _STAMP.match(line)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found.group(1))
    except ValueError:
        return None


def _pack(target: Path, files: Mapping[str, bytes], recording: Iterable[bytes]) -> None:
    with tarfile.open(target, "w:gz") as archive:
        for name, content in {**files, RECORDING: b"".join(recording)}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))

"""A download that may break off: what is there already, and what it was a part of."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import IO

from edge.drivers.carrier.places import NotCarried
from edge.wholefile import take_name


class Part:
    """The unfinished file beside *target*, with a note on where it came from."""

    def __init__(self, target: Path, location: str, size_max: int) -> None:
        self._target = target
        self._location = location
        self._size_max = size_max
        self._file = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")

    def known(self) -> tuple[int, str | None]:
        """How many bytes of *location* are here, and the version that they belong to."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            size = self._file.stat().st_size
        except (OSError, ValueError):
            return 0, None
        if not isinstance(note, dict) or note.get("location") != self._location:
            return 0, None
        version = note.get("version")
        return (size, version) if isinstance(version, str) and size else (0, None)

    def open(self, offset: int, version: str | None, total: int | None) -> IO[bytes]:
        """Go on behind *offset* bytes; what follows makes the whole *total* bytes long."""
        self.check(total or 0)
        note = {"location": self._location, "version": version}
        self._note.write_text(json.dumps(note), encoding="utf-8")
        self._note.chmod(0o600)
        file = self._file.open("r+b" if offset else "wb")
        file.seek(offset)
        file.truncate()
        return file

    def check(self, size: int) -> None:
        """Refuse a file of *size* bytes if that is too much."""
        if size > self._size_max:
            self.drop()
            raise NotCarried("denied", f"the file has more than {self._size_max} bytes")

    def drop(self) -> None:
        """Forget it."""
        for file in (self._file, self._note):
            with suppress(FileNotFoundError):
                file.unlink()

    def complete(self) -> None:
        """All of it is here and on the disk: it takes its name."""
        take_name(self._file, self._target)
        self._note.unlink(missing_ok=True)

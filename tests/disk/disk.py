"""A disk that loses power: what is not synced is kept, dropped or torn, sector by sector.

The process sees its cache; the card holds what was synced. Between them, since the last sync of a
file, every sector has its versions and the file its sizes; since the last sync of the directory,
names have come and gone. `cut` draws one of the disks that may be found after the power came back:

* each unsynced sector has its old content or any of the newer ones, whatever its neighbours have,
  and now and then the beginning of one and the end of another;
* each file has one of its sizes since the sync, whatever became of its sectors (a hole is zeros);
* each change of a name happened or did not, in any order: POSIX promises no more, ext4 does;
* what a *failed* sync was to write may be there or not, and no later sync will write it: Linux
  takes the pages for clean (the "fsyncgate" of 2018). Only what is written anew is synced anew.

Sectors are of 512 bytes and the model never harms one that nobody wrote: that is what SQLite calls
powersafe overwrite, what its Unix layer claims of every disk, and so what the deployed library
builds on. A card that spoils neighbours breaks that promise, and no order of writes helps there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Final

SECTOR: Final = 512
Step = tuple[str, tuple[object, ...]]
EXTREMES: Final = (0, 1)
"""The fates that drop all that is unsynced, and keep all."""
KEPT_SHARES: Final = (0.02, 0.1, 0.5, 0.9, 0.98)
TORN_SHARE: Final = 0.05


@dataclass(slots=True)
class File:
    """Contents in the cache, on the card, and what may be on the card besides."""

    cache: bytearray = field(default_factory=bytearray)
    card: bytes = b""
    pending: dict[int, list[bytes]] = field(default_factory=dict)
    ghosts: dict[int, list[bytes]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)

    def write(self, offset: int, data: bytes) -> None:
        """Into the cache; the sectors that it touches are pending."""
        end = offset + len(data)
        if end > len(self.cache):
            self.cache.extend(bytes(end - len(self.cache)))
            self.sizes.append(end)
        self.cache[offset:end] = data
        self._touch(offset, end)

    def truncate(self, size: int) -> None:
        """Shorter or, with zeros, longer; what was cut off may come back until it is synced."""
        old = len(self.cache)
        if size < old:
            del self.cache[size:]
        else:
            self.cache.extend(bytes(size - old))
        self.sizes.append(size)
        self._touch(min(old, size), max(old, size))

    def sync(self) -> None:
        """What is pending is on the card."""
        card = bytearray(self.card)
        _resize(card, len(self.cache))
        for sector in self.pending:
            part = slice(sector * SECTOR, min((sector + 1) * SECTOR, len(card)))
            card[part] = self.cache[part]
            self.ghosts.pop(sector, None)
        self.card = bytes(card)
        self.pending.clear()
        self.sizes.clear()

    def fail_sync(self) -> None:
        """Nobody will write what was pending, and nobody knows how much of it was written."""
        for sector, versions in self.pending.items():
            self.ghosts.setdefault(sector, []).extend(versions)
        self.pending.clear()

    def found(self, fate: Fate) -> File:
        """What *fate* leaves of it."""
        if self.is_settled():
            return File(cache=bytearray(self.card), card=self.card)
        size = fate.one_of([len(self.card), *self.sizes])
        contents = bytearray(self.card)
        _resize(contents, size)
        for sectors in (self.ghosts, self.pending):
            for sector, versions in sectors.items():
                start = sector * SECTOR
                if start < size:
                    for first, last, kept in fate.parts(versions):
                        end = min(start + last, size)
                        contents[start + first : end] = kept[first : end - start]
        return File(cache=contents, card=bytes(contents))

    def is_settled(self) -> bool:
        """Whether every fate leaves the same of it."""
        return not (self.pending or self.ghosts or self.sizes)

    def copy(self) -> File:
        """Another disk's file with the same contents and prospects."""
        return File(
            cache=bytearray(self.cache),
            card=self.card,
            pending={sector: list(versions) for sector, versions in self.pending.items()},
            ghosts={sector: list(versions) for sector, versions in self.ghosts.items()},
            sizes=list(self.sizes),
        )

    def _touch(self, start: int, end: int) -> None:
        for sector in range(start // SECTOR, -(-end // SECTOR)):
            whole = bytes(self.cache[sector * SECTOR : (sector + 1) * SECTOR])
            self.pending.setdefault(sector, []).append(whole.ljust(SECTOR, b"\0"))


def _resize(contents: bytearray, size: int) -> None:
    if size < len(contents):
        del contents[size:]
    else:
        contents.extend(bytes(size - len(contents)))


class Fate:
    """What one power cut does: a seed is one fate, and two are `EXTREMES`."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._extreme = seed in EXTREMES
        self.share: float = seed if self._extreme else self._random.choice(KEPT_SHARES)

    def kept(self) -> bool:
        """Whether this one change is there."""
        return self._random.random() < self.share

    def one_of(self, sizes: list[int]) -> int:
        """The size that the file has: the first is the synced one, the last the newest."""
        if self._extreme:
            return sizes[-1] if self.share else sizes[0]
        return sizes[-1] if self.kept() else self._random.choice(sizes)

    def parts(self, versions: list[bytes]) -> Iterator[tuple[int, int, bytes]]:
        """From where to where which of *versions* is there: all, nothing, or the sector is torn."""
        torn = not self._extreme and self._random.random() < TORN_SHARE
        at = self._random.randrange(SECTOR) if torn else SECTOR
        for first, last in ((0, at), (at, SECTOR)):
            if first < last and self.kept():
                kept = versions[-1] if self.kept() else self._random.choice(versions)
                yield first, last, kept


Change = dict[str, int | None]


class Disk:
    """One directory of files, which `vfs` shows to SQLite and to the journal.

    Files are numbered, so that a step of the log means the same on any copy of the disk.
    *log* is every step that may change what a cut leaves; `apply` repeats a step.
    """

    def __init__(self) -> None:
        self.files: dict[int, File] = {}
        self.names: dict[str, int] = {}
        self.card_names: dict[str, int] = {}
        self.changes: list[Change] = []
        self.log: list[Step] = []
        self.before_call: Callable[[str], None] = lambda _call: None
        """Told of every call that SQLite makes, by name; raises what the call is to fail with."""

    def create(self, name: str) -> None:
        """A new empty file."""
        self.log.append(("create", (name,)))
        number = len(self.files)
        self.files[number] = File()
        self._rename({name: number})

    def write(self, number: int, offset: int, data: bytes) -> None:
        """See `File.write`."""
        self.log.append(("write", (number, offset, data)))
        self.files[number].write(offset, data)

    def truncate(self, number: int, size: int) -> None:
        """See `File.truncate`."""
        self.log.append(("truncate", (number, size)))
        self.files[number].truncate(size)

    def sync(self, number: int) -> None:
        """See `File.sync`; its name is the directory's."""
        self.log.append(("sync", (number,)))
        self.files[number].sync()

    def fail_sync(self, number: int) -> None:
        """See `File.fail_sync`."""
        self.log.append(("fail_sync", (number,)))
        self.files[number].fail_sync()

    def remove(self, name: str) -> None:
        """Its name is gone; what is open stays open."""
        self.log.append(("remove", (name,)))
        self._rename({name: None})

    def rename(self, old: str, new: str) -> None:
        """Both names change, or neither."""
        self.log.append(("rename", (old, new)))
        self._rename({old: None, new: self.names[old]})

    def link(self, old: str, new: str) -> None:
        """One more name for the file."""
        self.log.append(("link", (old, new)))
        self._rename({new: self.names[old]})

    def sync_directory(self) -> None:
        """The names are on the card."""
        self.log.append(("sync_directory", ()))
        self.card_names = dict(self.names)
        self.changes.clear()

    def apply(self, step: Step) -> None:
        """Do *step* of another disk's log."""
        method, arguments = step
        do: Callable[..., None] = getattr(self, method)
        do(*arguments)

    def cut(self, seed: int) -> Disk:
        """The disk as it is found when the power is back."""
        fate = Fate(seed)
        names: dict[str, int | None] = dict(self.card_names)
        for change in self.changes:
            if fate.kept():
                names.update(change)
        found = Disk()
        for number, (name, old) in enumerate(sorted(_present(names))):
            found.files[number] = self.files[old].found(fate)
            found.names[name] = number
        found.card_names = dict(found.names)
        return found

    def is_settled(self) -> bool:
        """Whether a cut leaves the same whatever its seed."""
        return not self.changes and all(
            self.files[number].is_settled() for number in self.card_names.values()
        )

    def digest(self) -> bytes:
        """A word for every name and byte that a process finds: another disk has another."""
        told = blake2b()
        for name in sorted(self.names):
            contents = self.files[self.names[name]].cache
            told.update(f"{name} {len(contents)} ".encode())
            told.update(contents)
        return told.digest()

    def copy(self) -> Disk:
        """A disk of its own with the same contents and prospects, and an empty log."""
        other = type(self)()
        other.files = {number: file.copy() for number, file in self.files.items()}
        other.names = dict(self.names)
        other.card_names = dict(self.card_names)
        other.changes = list(self.changes)
        return other

    def contents(self, name: str) -> bytes:
        """What a process reads in file *name*."""
        return bytes(self.files[self.names[name]].cache)

    def _rename(self, change: Change) -> None:
        self.changes.append(change)
        for name, number in change.items():
            if number is None:
                del self.names[name]
            else:
                self.names[name] = number


def _present(names: dict[str, int | None]) -> Iterator[tuple[str, int]]:
    for name, number in names.items():
        if number is not None:
            yield name, number

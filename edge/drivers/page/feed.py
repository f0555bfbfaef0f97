"""The newest status document for whoever watches: one place each, and the latest wins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edge.hmi.watcher import Watcher


class Feed:
    """Hands each document to all who watch; of one thread, but for what is only asked."""

    def __init__(self) -> None:
        self._watchers: set[Watcher[bytes]] = set()
        self.newest: bytes | None = None  # while anybody watches
        self._is_over = False
        self.is_awaited = False

    @property
    def is_watched(self) -> bool:
        """Whether documents are wanted at all; from any thread."""
        return bool(self._watchers)

    @contextmanager
    def watch(self) -> Iterator[Watcher[bytes]]:
        """Watch while the block lasts, from the newest document on if others watch already."""
        watcher = Watcher[bytes]()
        if self.newest is None:
            self.is_awaited = True
        else:
            watcher.offer(self.newest)
        if self._is_over:
            watcher.end()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                self.newest, self.is_awaited = None, False  # who comes next waits for a fresh one

    def offer(self, document: bytes) -> None:
        """Give *document* to all who watch."""
        if self._watchers:
            self.newest, self.is_awaited = document, False
        for watcher in self._watchers:
            watcher.offer(document)

    def close(self) -> None:
        """End every stream."""
        self._is_over = True
        for watcher in self._watchers:
            watcher.end()

"""Who watches which path of the double, and what each is told of a change."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from tests.rtdb.tree import Tree, names_of


class Told(NamedTuple):
    """A change as a watcher sees it: at a path below its own."""

    kind: str
    """`put` or `patch`."""
    path: str
    data: Any


class Watch:
    """One stream on one path; `None` in the queue ends it."""

    def __init__(self, path: str) -> None:
        self.names = names_of(path)
        self.queue: asyncio.Queue[Told | None] = asyncio.Queue()


class Watchers:
    """All streams; tells each what concerns it."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.all: set[Watch] = set()

    def put(self, path: str) -> None:
        """Tell of a value that was written."""
        for watch in self.all:
            self._tell_put(watch, names_of(path))

    def merged(self, path: str, values: dict[str, Any]) -> None:
        """Tell of several values that were written at once below *path*."""
        names = names_of(path)
        for watch in self.all:
            if names[: len(watch.names)] == watch.names:
                below = "/" + "/".join(names[len(watch.names) :])
                watch.queue.put_nowait(Told("patch", below, values))
            else:
                for name in values:
                    self._tell_put(watch, [*names, *names_of(name)])

    def end(self) -> None:
        """End every stream."""
        for watch in self.all:
            watch.queue.put_nowait(None)

    def _tell_put(self, watch: Watch, names: list[str]) -> None:
        shared = min(len(names), len(watch.names))
        if names[:shared] != watch.names[:shared]:
            return
        below = names[len(watch.names) :]
        at = "/".join([*watch.names, *below])
        watch.queue.put_nowait(Told("put", "/" + "/".join(below), self._tree.get(at)))

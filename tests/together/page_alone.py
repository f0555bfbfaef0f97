"""A charging point with its own page and nothing else: bay, controller, no central system."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from edge.cli.children import Child
from edge.control.client import ask

CODE = "TOWN"
CARD = "04A2B1C3D4E580"
NOBODY = "ws://127.0.0.1:9/ocpp"  # the port that throws everything away, and nothing listens


class Alone:
    """The processes, while they run."""

    def __init__(self, directory: Path, csms: str, options: Sequence[str]) -> None:
        self.directory = directory
        self._socket = directory / "sim.sock"
        self._options = (f"csms.url={csms}", f"page.code={CODE}", *options)
        self._port = 0
        self.page = ""
        words = ["sim", "serve", "--socket", str(self._socket), "--draw-w", "7400"]
        self.world = Child("the bay", words, directory / "world.log")
        self.world.ready()
        self.start_edge()

    def start_edge(self) -> None:
        """Start the controller, each time at the same address."""
        words = ["edge", "run", "--state-dir", str(self.directory / "edge")]
        words += ["--sim-socket", str(self._socket)]
        for option in (*self._options, f"page.listen=127.0.0.1:{self._port}"):
            words += ["-o", option]
        self.edge = Child("the controller", words, self.directory / "edge.log")
        self.page = self.edge.ready()["page"]
        self._port = int(self.page.rstrip("/").rpartition(":")[2])

    def end_edge(self) -> None:
        """End the controller that runs now."""
        self.edge.end()

    def bay(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Do something to the bay."""
        answer = ask(self._socket, verb, within_s=10, **arguments)
        assert "error" not in answer, answer
        return answer

    def status(self) -> dict[str, Any]:
        """The status document now."""
        with urlopen(f"{self.page}api/public/stations/{CODE}/status", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def open_alone(directory: Path, csms: str = NOBODY, options: Sequence[str] = ()) -> Iterator[Alone]:
    """Run bay and controller until the block ends."""
    with ExitStack() as stack:
        alone = Alone(directory, csms, options)
        stack.callback(alone.world.end)
        stack.callback(alone.end_edge)
        yield alone

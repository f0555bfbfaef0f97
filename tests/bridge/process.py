"""The bridge as a process of its own, as systemd or a developer starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 10.0


def bridge_words(config: Path, *more: str) -> list[str]:
    """The command."""
    return [sys.executable, "-m", "edge.bridge", "--config", str(config), *more]


def write_config(file: Path, **settings: Any) -> Path:
    """Write bridge.toml."""
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
    file.write_text("".join(lines), encoding="utf-8")
    return file


@contextmanager
def bridge_process(
    config: Path,
    *more: str,
    environment: Mapping[str, str] | None = None,
    log: IO[bytes] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a bridge from when it says that it is ready until the block ends."""
    read, write = os.pipe()
    process = subprocess.Popen(
        [*bridge_words(config, *more), "--ready-fd", str(write)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        pass_fds=(write,),
        stderr=log,
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            line = pipe.readline()
        assert line, f"the bridge ended with {process.wait()}"
        assert json.loads(line) == {"ready": True}
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(ENDS_WITHIN_S)

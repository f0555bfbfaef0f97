"""Run the named benchmarks one after another: `scripts/bench boot tap rss`.

Each is a module beside this one with `main(argv) -> int`, which prints its own lines; argv begins
with the first word that is an option: `scripts/bench fuzz --frames 1000`. Ends with 1 when any of
them missed its bar.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def names() -> list[str]:
    """Every benchmark there is."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def run(argv: list[str]) -> int:
    """Run what *argv* names; 2 for an unknown name."""
    wanted, options = _split(argv)
    known = names()
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        print(f"usage: scripts/bench NAME… [OPTION…]; there are: {' '.join(known) or 'none'}")
        return 2
    missed = [name for name in wanted if import_module(f"scripts.benches.{name}").main(options)]
    return 1 if missed else 0


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """Names before the first option, options from there on."""
    at = next((at for at, word in enumerate(argv) if word.startswith("-")), len(argv))
    return argv[:at], argv[at:]


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

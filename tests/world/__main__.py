"""Play one history: `python -m tests.world FILE`, or `--seed N`; 1 when it breaks a promise."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.world.history import play
from tests.world.scenario import draw, read
from tests.world.shrink import shrunk


def main(argv: list[str] | None = None) -> int:
    """Play it, say what came of it; `--shrink` drops every act that a failure does without."""
    parser = argparse.ArgumentParser(prog="python -m tests.world", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--density")
    parser.add_argument("--sockets", action="store_true", help="real WebSockets in memory")
    parser.add_argument("--shrink", type=Path, metavar="TO", help="write a smaller scenario there")
    options = parser.parse_args(argv)
    scenario = (
        read(options.file)
        if options.file
        else draw(options.seed, density=options.density, real_sockets=options.sockets)
    )
    outcome = play(scenario)
    print(f"seed {scenario.seed}, {len(scenario.acts)} acts, {outcome.sessions} sessions")
    print(f"history {outcome.digest}")
    for breach in outcome.breaches:
        print(breach)
    if outcome.breaches and options.shrink:
        smaller = shrunk(scenario, lambda one: bool(play(one).breaches))
        smaller.write(options.shrink)
        print(f"{len(smaller.acts)} acts are enough: {options.shrink}")
    return bool(outcome.breaches)


if __name__ == "__main__":
    sys.exit(main())

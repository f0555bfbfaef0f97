"""`python -m edge.bridge --config bridge.toml`."""

from __future__ import annotations

import sys

from edge.bridge.app import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

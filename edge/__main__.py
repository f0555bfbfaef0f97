"""`python -m edge` is `tapwatt`."""

import sys

from edge.cli import main

sys.exit(main())

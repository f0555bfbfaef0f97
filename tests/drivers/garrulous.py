"""A process of ours that says more in one line than anybody reads."""

import sys

sys.stdin.readline()
sys.stdout.write("x" * 200_000 + "\n")
sys.stdout.flush()

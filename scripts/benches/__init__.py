"""The benchmarks: one module per name that `scripts/bench` takes."""

"""What the benchmarks share: figures, a bay that notes times, processes, a slow disk."""

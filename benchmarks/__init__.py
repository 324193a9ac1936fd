"""How fast, how quick to answer and how small: `python -m benchmarks`, one JSON line per result."""

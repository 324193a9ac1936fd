"""One core per process: linear algebra on several threads is slower at these sizes, and differs from run to run."""

import os


def one_thread() -> None:
    """To be called before numpy is imported."""
    for library in ("OPENBLAS", "OMP", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

"""One thread per process for linear algebra: the parts share the cores, and sums keep their order."""

import os

NAMES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def one_thread() -> None:
    """Call before numpy is imported; later it has no effect."""
    for name in NAMES:
        os.environ[name] = "1"

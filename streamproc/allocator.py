"""The C library's allocator, told what kind of program this is."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # mallopt's names for them
KEPT_BYTES = 256 << 20  # free at the end of the heap
LARGE_BYTES = 8 << 20  # of one block, which then is a mapping of its own and goes back when it is freed


def keep_memory() -> None:
    """What a micro-batch frees stays with the process, for the next one. Before any thread is started.

    glibc gives megabytes back and fetches them again, and every page of them costs a fault: for 2 kB on its
    way to a broker that is as much as all the rest. Without glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(MMAP_THRESHOLD, LARGE_BYTES)

"""Whose turn it is, among the threads of a part and among the parts that share a machine."""

import os
import sys
from contextlib import suppress

GIL = 1e-4  # seconds that a thread keeps it while another wants it: the one of the kernels wants it seldom


def share() -> None:
    """For a part with a thread of kernels. Call before there are threads: they inherit it.

    Python's usual turn of 5 ms would hold up the kernels a third of the time. The processor's turns become
    longer instead, for each change of them empties the caches; an idle core is had at once as before.
    """
    sys.setswitchinterval(GIL)
    with suppress(AttributeError, OSError):  # other systems know no such turns; a container may forbid it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

"""Whose turn it is, among the threads of a part and among the parts that share a machine."""

import os
import sys
from contextlib import suppress

NICENESS = 10  # of what gives way
AUTOGROUP = "/proc/self/autogroup"
GIL = 1e-4  # seconds that a thread keeps it while another wants it: the one of the kernels wants it seldom


def share() -> None:
    """For a part with a thread of kernels. Call before there are threads: they inherit it.

    Python's usual turn of 5 ms holds the kernels up, which take the GIL between two calls. The processor's
    turns become fewer and longer.
    """
    sys.setswitchinterval(GIL)
    with suppress(AttributeError, OSError):  # other systems know no such turns; a container may forbid it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def give_way() -> None:
    """Let this process have what others leave of the processor: slates come first, and learning follows.

    Linux shares it out among sessions before it looks at how nice their processes are. So the whole session
    becomes nice where it is the process's own, as those of a supervisor's children are.
    """
    os.nice(NICENESS)
    make_session_nice(NICENESS)


def make_session_nice(niceness: int) -> bool:
    """How nice the process's own session is from here on; False where that cannot be changed again so soon.

    Where there are no such groups, and where others share the session, nothing changes.
    """
    if os.getsid(0) != os.getpid():
        return True
    try:
        with open(AUTOGROUP, "w") as group:
            group.write(str(niceness))
    except BlockingIOError:  # only root may do so more often than ten times a second
        return False
    except OSError:
        pass
    return True

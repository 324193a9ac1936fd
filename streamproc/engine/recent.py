"""Recurrent states of users who were just ranked: a user's next event begins with the same one.

A state holds for one event of one user and one version of the model, whose arrival empties all places.
"""

from typing import NamedTuple

import numpy as np

from streamproc.engine.window_arrays import Windows
from streamproc_models.arrays import F32, I64, U64
from streamproc_models.heads.gru_sampling import copy
from streamproc_models.kernel import tight

PLACES = 512  # a user has one of them; a power of two


class Recent(NamedTuple):
    """Whose states there are."""

    users: U64  # (512,), 0 where there is none
    offsets: I64  # (512,), of the user's newest event
    states: F32  # (512, h), after that event


def empty(hidden: int) -> Recent:
    """Nobody yet; states of `hidden` numbers."""
    return Recent(
        np.zeros(PLACES, np.uint64), np.zeros(PLACES, np.int64), np.zeros((PLACES, hidden), np.float32)
    )


def clear(recent: Recent) -> None:
    """No state holds any more."""
    recent.users[:] = 0


@tight
def keep(recent: Recent, w: Windows, row: int, state: F32) -> None:
    """As of the newest event of the user in `row`."""
    place = w.user[row] & np.uint64(PLACES - 1)
    recent.users[place], recent.offsets[place] = w.user[row], w.offset[row]
    copy(state, recent.states[place])


@tight
def recall(recent: Recent, w: Windows, row: int, out: F32) -> bool:
    """Whether the state as of the user's newest event is known; it is in `out` then."""
    place = w.user[row] & np.uint64(PLACES - 1)
    if recent.users[place] != w.user[row] or recent.offsets[place] != w.offset[row]:
        return False
    copy(recent.states[place], out)
    return True

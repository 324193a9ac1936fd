"""When people take the same things again: what the user's own history says about each item in it.

For item j, last taken at t_j, in n_j of the user's sessions, with dt = now - t_j:
    not met in this session: which of 7 spans dt lies in (6 h, 36 h, 5 d, 12 d, 25 d, 60 d, more), one-hot
    met in this session:     1, and ln(1 + times met in it)
    met in n_j >= 2 sessions: |ln((dt + 1 h) / (mean interval + 1 h))|, and 1
    ln n_j;  n_j / sessions so far;  1 where t_j lies in the session before this one
beside how far back it is, how often it came lately, and whether it is the last (repeat consumption: Anderson
et al., 2014, The Dynamics of Repeat Consumption; Benson, Kumar and Tomkins, 2016).
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, I32, I64
from streamproc_models.kernel import tight

LENGTH = 256  # newest events looked at
SHORT_TERM = 64  # of which so many count as what the user does now
SPANS = np.array([6, 36, 5 * 24, 12 * 24, 25 * 24, 60 * 24], np.int64) * 3600  # s
IN_SESSION, SESSION_COUNT, INTERVAL, INTERVAL_KNOWN = 7, 8, 9, 10  # rows of the timing features
SESSIONS, SESSIONS_SHARE, PREVIOUS = 11, 12, 13
TIMING = 14
_HOUR = np.float32(3600.0)
_LOGS = np.log(np.arange(1.0, LENGTH + 2.0)).astype(np.float32)  # ln(1 + n)
_ONE = np.float32(1.0)


class Own(NamedTuple):
    """The distinct items of a history, one place each, the newest first."""

    newest: I32  # (256,), steps back of the newest event
    lately: I32  # (256,), events among the newest 64
    here: I32  # (256,), events in the present session
    sessions: I32  # (256,), sessions
    session: I32  # (256,), sessions back of the oldest event so far
    latest: I32  # (256,), sessions back of the newest event
    last: I64  # (256,), event time of the newest event, s
    first: I64  # (256,), and of the oldest


def empty() -> Own:
    """Nothing in it."""

    def ints() -> I32:
        return np.zeros(LENGTH, np.int32)

    times = np.zeros(LENGTH, np.int64), np.zeros(LENGTH, np.int64)
    return Own(ints(), ints(), ints(), ints(), ints(), ints(), *times)


@tight
def meet(own: Own, place: int, d: int, time: int, session: int) -> None:
    """The item at `place` is met for the first time, d steps back, in a session so many back."""
    own.newest[place] = d
    own.lately[place] = 1 if d < SHORT_TERM else 0
    own.here[place] = 1 if session == 0 else 0
    own.sessions[place] = 1
    own.session[place] = session
    own.latest[place] = session
    own.last[place] = time
    own.first[place] = time


@tight
def meet_again(own: Own, place: int, d: int, time: int, session: int) -> None:
    """The same item further back."""
    own.lately[place] += 1 if d < SHORT_TERM else 0
    own.here[place] += 1 if session == 0 else 0
    own.sessions[place] += 1 if session != own.session[place] else 0
    own.session[place] = session
    own.first[place] = time


@tight
def describe(own: Own, n: int, now: int, sessions: int, x: F32) -> None:
    """The timing features x (14, >= n) of the items at places 0..n, `now` in s, `sessions` so far."""
    for f in range(TIMING):
        for c in range(n):
            x[f, c] = 0.0
    share = _ONE / np.float32(sessions)
    for c in range(n):
        gap = max(now - own.last[c], 0)
        if own.here[c] > 0:
            x[IN_SESSION, c] = _ONE
            x[SESSION_COUNT, c] = _LOGS[own.here[c]]
        else:
            x[_span(gap), c] = _ONE
        met = own.sessions[c]
        if met > 1:
            mean = np.float32(own.last[c] - own.first[c]) / np.float32(met - 1)
            x[INTERVAL, c] = abs(np.log((np.float32(gap) + _HOUR) / (mean + _HOUR)))
            x[INTERVAL_KNOWN, c] = _ONE
        x[SESSIONS, c] = _LOGS[met - 1]
        x[SESSIONS_SHARE, c] = np.float32(met) * share
        x[PREVIOUS, c] = _ONE if own.latest[c] == 1 else np.float32(0.0)


@tight
def describe_lately(own: Own, n: int, recency: F32, repeats: F32, in_window: F32, is_last: F32) -> None:
    """1 / (1 + steps back), ln(1 + events lately), 1 for what came lately, 1 for the last item."""
    for c in range(n):
        lately = own.lately[c] > 0
        recency[c] = _ONE / np.float32(1 + own.newest[c]) if lately else np.float32(0.0)
        repeats[c] = _LOGS[own.lately[c]]
        in_window[c] = _ONE if lately else np.float32(0.0)
        is_last[c] = np.float32(0.0)
    is_last[0] = _ONE


@tight
def _span(gap: int) -> int:
    for k in range(SPANS.size):
        if gap < SPANS[k]:
            return k
    return int(SPANS.size)

"""When a user is answered: a quiet one at once, a busy one once per interval, and always the newest state."""

import numpy as np

from streamproc.clock import Clock
from streamproc_models.arrays import F64, I32

LONG_AGO = -np.inf


class Pacing:
    """The users of one partition, by their rows, who are to be answered now or later."""

    def __init__(self, interval: float, clock: Clock) -> None:
        self._interval = interval  # seconds between two answers to one user
        self._clock = clock
        self._answered: F64 = np.empty(0)  # (rows,), seconds
        self._waiting: I32 = np.empty(0, np.int32)  # ascending

    @property
    def waiting(self) -> int:
        """Users who are owed an answer."""
        return int(self._waiting.size)

    def hold(self, rows: I32) -> None:
        """These users (n,) have news, and nobody can be answered yet."""
        self._waiting = np.union1d(self._waiting, rows)

    def take(self, rows: I32) -> I32:
        """Of the users with news (n,) and of those who wait, the ones to answer now, once each."""
        wanted = np.union1d(self._waiting, rows) if self._waiting.size else np.unique(rows)
        if wanted.size == 0:
            return wanted
        self._make_room(int(wanted[-1]) + 1)
        now = self._clock.seconds()
        due = self._answered[wanted] <= now - self._interval
        self._answered[wanted[due]] = now
        self._waiting = wanted[~due]
        return wanted[due]

    def pause(self) -> float | None:
        """Seconds until the first of those who wait is due; None where nobody waits."""
        if self._waiting.size == 0:
            return None
        first = float(self._answered[self._waiting].min()) + self._interval
        return max(first - self._clock.seconds(), 0.0)

    def _make_room(self, rows: int) -> None:
        if rows > self._answered.size:
            grown = np.full(max(rows, 2 * self._answered.size), LONG_AGO)
            grown[: self._answered.size] = self._answered
            self._answered = grown

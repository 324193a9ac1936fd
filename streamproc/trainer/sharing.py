"""How much of a busy machine the trainer asks for."""

from streamproc.scheduling import NICENESS, make_session_nice

LAGS, KEPT_UP = 0.2, 0.05  # seconds behind: then it no longer gives way, and then it does again


class Share:
    """Gives way to the workers, but not while it lags and predicts every event all the same.

    A trainer that sheds load is twice as fast, and gives way again.
    """

    def __init__(self) -> None:
        self._full = False

    def follow(self, behind: float, every: int) -> None:
        """`behind` in seconds; every so many-th event is predicted."""
        full = every == 1 and behind > (KEPT_UP if self._full else LAGS)
        if full != self._full and make_session_nice(0 if full else NICENESS):
            self._full = full

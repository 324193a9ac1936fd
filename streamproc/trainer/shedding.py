"""What a trainer does that lags: it predicts fewer events, which is most of its work.

Every head goes on learning from every event; the fusion, the biases and the prequential record then know a
sample of them. The load decides that, so it is a record of the journal, and takes effect when it is read:
behind all that the trainer lags by.
"""

from streamproc.config import TrainerConfig
from streamproc.contracts.control import Shed

HOLD = 10.0  # seconds of having kept up, until every event is predicted again
KEPT_UP = 0.5  # of the lag at which it began to shed


class Shedding:
    """Decides by the lag, and says so once."""

    def __init__(self, settings: TrainerConfig) -> None:
        self._settings = settings
        self._asked = 0  # the newest decision, until it is read; 0: none is on its way
        self._lagged_at: float | None = None  # seconds; whoever begins may have lagged until now

    def decide(self, now: float, behind: float, every: int) -> Shed | None:
        """What has to be written; `now` and the lag `behind` in seconds, `every` as the journal has it."""
        if self._lagged_at is None or behind > KEPT_UP * self._settings.shed_after:
            self._lagged_at = now
        if self._asked not in (0, every):
            return None
        wanted = self._wanted(now - self._lagged_at, behind, every)
        self._asked = 0 if wanted == every else wanted
        return Shed(wanted, behind) if self._asked else None

    def _wanted(self, kept_up: float, behind: float, every: int) -> int:
        if every == 1:
            return self._settings.shed_every if behind > self._settings.shed_after else 1
        return 1 if kept_up >= HOLD else every

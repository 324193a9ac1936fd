"""Events into the users' windows: the engine's kernel, with the room that it needs made beforehand."""

import numpy as np

from streamproc.config import Config
from streamproc.contracts.columns import EventColumns
from streamproc.engine import observing, seen
from streamproc.engine.observing import Rules
from streamproc.engine.reading import factor_rules
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc_models.arrays import I32, U8


class Observer:
    """Observes by the config's rules; keeps nothing between calls."""

    def __init__(self, config: Config, view: ModelView) -> None:
        self._view = view
        self._exclude_seen = config.rules.exclude_seen
        self._use_gru = config.heads.gru.enabled
        self._factors = factor_rules(config)

    def decide(self, windows: Windows, columns: EventColumns) -> tuple[U8, I32]:
        """Outcome of each event (n,), and its user's row (n,); only the accepted ones change a window."""
        return self._observe(windows, columns, decide=True)

    def apply(self, windows: Windows, columns: EventColumns) -> None:
        """Events that the journal has accepted."""
        self._observe(windows, columns, decide=False)

    def _observe(self, windows: Windows, c: EventColumns, decide: bool) -> tuple[U8, I32]:
        outcomes, rows = self.make_room(windows, c)
        observing.observe(
            self._view.model, windows.arrays, windows.seen, windows.names, self._view.scratch,
            self.rules(windows, decide), c, outcomes, rows,
        )  # fmt: skip
        return outcomes, rows

    def make_room(self, windows: Windows, c: EventColumns) -> tuple[U8, I32]:
        """For what the events (n,) bring into the windows; and outcomes (n,) and rows (n,) to be filled."""
        count = c.users.size
        if count:
            windows.reserve(count, c.user_ids.data.size)
            if self._view.has_encoder:
                windows.hold_encoded()
            if self._exclude_seen:
                windows.seen = seen.reserve(windows.seen, windows.rows, count)
        return np.zeros(count, np.uint8), np.full(count, -1, np.int32)

    def rules(self, windows: Windows, decide: bool = True) -> Rules:
        """How the kernels are to observe."""
        return Rules(windows.ignored, self._exclude_seen, self._use_gru, decide, self._factors)

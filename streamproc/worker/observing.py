"""Events into the users' windows: the engine's kernel, with the room that it needs made beforehand."""

import numpy as np

from streamproc.config import Config
from streamproc.contracts.columns import EventColumns
from streamproc.engine import observing, seen
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc_models.arrays import I32, U8


class Observer:
    """Observes by the config's rules; keeps nothing between calls."""

    def __init__(self, config: Config, view: ModelView) -> None:
        self._view = view
        self._exclude_seen = config.rules.exclude_seen
        self._use_gru = config.heads.gru.enabled

    def decide(self, windows: Windows, columns: EventColumns) -> tuple[U8, I32]:
        """Outcome of each event (n,), and its user's row (n,); only the accepted ones change a window."""
        return self._observe(windows, columns, decide=True)

    def apply(self, windows: Windows, columns: EventColumns) -> None:
        """Events that the journal has accepted."""
        self._observe(windows, columns, decide=False)

    def _observe(self, windows: Windows, c: EventColumns, decide: bool) -> tuple[U8, I32]:
        count = c.users.size
        outcomes, rows = np.zeros(count, np.uint8), np.full(count, -1, np.int32)
        if count == 0:
            return outcomes, rows
        windows.reserve(count, c.user_ids.data.size)
        if self._exclude_seen:
            windows.seen = seen.reserve(windows.seen, windows.rows, count)
        observing.observe(
            self._view.model, windows.arrays, windows.seen, windows.names, self._view.scratch,
            windows.ignored, self._exclude_seen, self._use_gru, decide,
            c.users, c.items, c.times, c.kinds, c.strengths, c.event_keys, c.sequences, c.sessions, c.offsets,
            c.user_ids.data, c.user_ids.ends, outcomes, rows,
        )  # fmt: skip
        return outcomes, rows

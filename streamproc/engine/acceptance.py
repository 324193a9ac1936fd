"""Which events count, decided without a model: as a worker does it, for a stream that nobody else reads."""

import numpy as np

from streamproc.config import Config
from streamproc.contracts.columns import DUPLICATE, IGNORED, LATE, OUTCOMES, EventColumns
from streamproc.engine import model, observing, scratch
from streamproc.engine.reading import factor_rules
from streamproc.engine.windows import Windows
from streamproc_models.arrays import U8


class Acceptance:
    """The users of one stream, as far as duplicates and late events need them."""

    refusals = tuple((outcome, OUTCOMES[outcome]) for outcome in (DUPLICATE, LATE, IGNORED))

    def __init__(self, config: Config) -> None:
        self.windows = Windows(config, partitions=1)
        self._model = model.empty(config, 1)
        self._factors = factor_rules(config)._replace(on=False)
        self._scratch = scratch.empty(1, config)

    def observe(self, c: EventColumns) -> U8:
        """Outcome (n,) of every event; accepted ones are remembered."""
        w = self.windows
        w.reserve(c.users.size, c.user_ids.data.size)
        outcomes, rows = np.empty(c.users.size, np.uint8), np.empty(c.users.size, np.int32)
        rules = observing.Rules(w.ignored, False, False, True, self._factors)
        observing.observe(self._model, w.arrays, w.seen, w.names, self._scratch, rules, c, outcomes, rows)
        return outcomes

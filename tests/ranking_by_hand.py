"""A model and a window written by hand, ready to be ranked."""

from streamproc.config import Config
from streamproc.engine import candidates, model, scratch
from streamproc.engine.reading import reading
from streamproc.engine.scratch import BASE, DISLIKED, FRESH, HISTORY, LIKED, LINKED, NOW
from streamproc.engine.window_arrays import SHORT_TERM

CONFIG = Config()


class ByHand:
    """One user with a window, before tables that a test fills in."""

    def __init__(self, items=32, config=CONFIG):
        self.model = model.empty(config, items)
        self.scratch = scratch.empty(items, config)
        self.reading = reading(config)

    def fill(self, table, rows):
        """Neighbours and weights {item: {neighbour: weight}} of the table of one head."""
        head = getattr(self.model, table)
        for item, row in rows.items():
            head.fill[item], head.totals[item] = len(row), sum(row.values())
            head.neighbours[item, : len(row)] = list(row)
            head.weights[item, : len(row)] = list(row.values())

    def read(self, events, now=0, fresh=0):
        """The window (item, time, sessions back), newest first, of somebody who dislikes nothing."""
        s = self.scratch
        for d, (item, time, back) in enumerate(events):
            s.window[d], s.times[d], s.sessions[d] = item, time, back
        s.counts[HISTORY], s.counts[DISLIKED] = len(events), 0
        s.counts[LIKED] = min(len(events), SHORT_TERM)
        s.moment[NOW], s.moment[FRESH] = now, fresh
        candidates.own(s)

    def gather(self, *items, back=0):
        """Gathers for a window of these items, newest first; what it numbers, in that order."""
        self.read([(item, 0, back) for item in items])
        candidates.gather(self.model, self.scratch, self.reading)
        return self.numbered()

    def numbered(self):
        """Rows of the candidates so far."""
        return self.scratch.item[: self.scratch.counts[LINKED]].tolist()

    def votes(self, name):
        """{item: votes} that one table gave, without zeros."""
        s = self.scratch
        values = getattr(s, name)
        found = {item: float(values[s.stamp[item] - s.stamps[BASE]]) for item in self.numbered()}
        return {item: value for item, value in found.items() if value}

    def total(self, which):
        return float(self.scratch.totals[which])

    def clear(self):
        candidates.clear(self.scratch)

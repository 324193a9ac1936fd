"""Slates of users, as records of `recommendations`."""

from typing import NamedTuple

import numpy as np

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.columns import ACCEPTED, EventColumns, select
from streamproc.contracts.ids import Strings, strings
from streamproc.contracts.slates import Kind, Slates, Stamp, Targets, write_slates
from streamproc.contracts.topics import topics
from streamproc.engine.observer import Observer
from streamproc.engine.ranker import Ranker
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc_models.arrays import F32, I32, I64, U8


class Answered(NamedTuple):
    """Slates in JSON, ready to be sent."""

    user_ids: Strings
    slates: Strings

    @property
    def size(self) -> int:
        """How many."""
        return int(self.slates.ends.size)


class Answerer:
    """Ranks with the model of the view, and writes what came out."""

    def __init__(self, config: Config, view: ModelView, observer: Observer, clock: Clock) -> None:
        self._view = view
        self._observer = observer
        self._clock = clock
        self._ranker = Ranker(config)
        self._topics = topics(config)
        self.gates: F32 = np.zeros(3, np.float32)  # mean shares by family over the newest slates
        self.newest: I32 | None = None  # (k, n), items of the newest slates

    def for_events(self, windows: Windows, rows: I32, partition: int) -> Answered:
        """Answers to the newest event of each of these users."""
        rows = _remembered(windows, rows)
        stamp = self._stamp("event", self._topics.events.name)
        return self._write(windows, rows, stamp, partition, windows.offsets(rows))

    def for_each(self, windows: Windows, columns: EventColumns, partition: int) -> tuple[U8, I32, Answered]:
        """Observes events (n,): their outcomes, their users' rows, and an answer to each accepted one."""
        outcomes, rows = self._observer.make_room(windows, columns)
        stamp, rules = self._stamp("event", self._topics.events.name), self._observer.rules(windows)
        slates = self._ranker.rank_each(self._view, windows, rules, columns, outcomes, rows)
        accepted = select(columns, outcomes == ACCEPTED) if outcomes.any() else columns
        partitions = np.full(accepted.users.size, partition, np.int32)
        targets = Targets(accepted.user_ids, accepted.users, partitions, accepted.offsets)
        return outcomes, rows, self._written(slates, targets, stamp)

    def for_generation(self, windows: Windows, rows: I32) -> Answered:
        """The same users again, because a new generation serves; its journal offset is the model's."""
        rows = _remembered(windows, rows)
        stamp = self._stamp("refresh", self._topics.journal.name)
        return self._write(windows, rows, stamp, 0, np.full(rows.size, stamp.learned_to - 1))

    def _write(self, windows: Windows, rows: I32, stamp: Stamp, partition: int, offsets: I64) -> Answered:
        slates = self._ranker.rank(self._view, windows, rows)
        partitions = np.full(rows.size, partition, np.int32)
        names = strings(windows.user_ids(rows))
        return self._written(slates, Targets(names, windows.arrays.user[rows], partitions, offsets), stamp)

    def _written(self, slates: Slates, targets: Targets, stamp: Stamp) -> Answered:
        if slates.counts.size:
            self.gates, self.newest = slates.gates.mean(0), slates.rows
        return Answered(targets.user_ids, write_slates(slates, self._view.names, targets, stamp))

    def _stamp(self, kind: Kind, topic: str) -> Stamp:
        view = self._view
        return Stamp(kind, topic, view.version, view.learned_to, view.generation, self._clock.now_ms())


def _remembered(windows: Windows, rows: I32) -> I32:
    """Without those who were forgotten while they waited."""
    remembered: I32 = rows[windows.arrays.user[rows] != 0]
    return remembered

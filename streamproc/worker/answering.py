"""Slates of users, as records of `recommendations`."""

import numpy as np

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.events import strings, texts
from streamproc.contracts.slates import Kind, Stamp, Targets, write_slates
from streamproc.contracts.topics import topics
from streamproc.engine.ranker import Ranker
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc_models.arrays import F32, I32, I64

Pairs = list[tuple[bytes, bytes | None]]


class Answerer:
    """Ranks with the model of the view, and writes what came out."""

    def __init__(self, config: Config, view: ModelView, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._ranker = Ranker(config)
        self._topics = topics(config)
        self.gates: F32 = np.zeros(3, np.float32)  # mean shares by family over the newest slates

    def for_events(self, windows: Windows, rows: I32, partition: int) -> Pairs:
        """Answers to the newest event of each of these users, {user id: slate}."""
        stamp = self._stamp("event", self._topics.events.name)
        return self._write(windows, rows, stamp, partition, windows.offsets(rows))

    def for_generation(self, windows: Windows, rows: I32) -> Pairs:
        """The same users again, because a new generation serves; its journal offset is the model's."""
        stamp = self._stamp("refresh", self._topics.journal.name)
        return self._write(windows, rows, stamp, 0, np.full(rows.size, stamp.learned_to - 1))

    def _write(self, windows: Windows, rows: I32, stamp: Stamp, partition: int, offsets: I64) -> Pairs:
        slates = self._ranker.rank(self._view, windows, rows)
        names = windows.user_ids(rows)
        partitions = np.full(rows.size, partition, np.int32)
        targets = Targets(strings(names), windows.arrays.user[rows], partitions, offsets)
        written = texts(write_slates(slates, self._view.names, targets, stamp))
        self.gates = slates.gates.mean(0) if rows.size else self.gates
        return list(zip(names, written, strict=True))

    def _stamp(self, kind: Kind, topic: str) -> Stamp:
        view = self._view
        return Stamp(kind, topic, view.version, view.learned_to, view.generation, self._clock.now_ms())

"""Refreshes and drifts during an evaluation, as in the product: through a journal, here one in memory.

A refresh reads the events as its process reads the topic; the learner follows a generation, and what is
decided on it, as the trainer does. Both are looked after at the same events however these were cut into
batches, so what is learned stays a function of the events alone.
"""

import time
from collections.abc import Sequence
from typing import Protocol

import msgspec

from streamproc.contracts.columns import EventColumns, span
from streamproc.contracts.control import Control, Drift, Generation, Promote, Reject
from streamproc.contracts.journal import NOTHING_READ, Chunk, EventsRecord, pack_control, pack_range, unpack
from streamproc.engine import generations
from streamproc.engine.learner import Learner

LOOK = 500  # events between two looks at the shadow and at whether a refresh is due


class Refresh(Protocol):
    """What fits generations; `streamproc.refresh.offline` has it."""

    def add(self, offset: int, value: bytes) -> None: ...

    def due(self) -> bool: ...

    def fit(self) -> Sequence[bytes]: ...


class Refreshes(msgspec.Struct, frozen=True):
    """What the refreshes of an evaluation came to; one that is still in shadow is neither of the two."""

    fitted: int = 0
    promoted: int = 0
    rejected: int = 0
    seconds: float = 0.0  # of fitting and handing over, which is another process in the product
    drifts: Sequence[Drift] = ()


class Refreshing:
    """Teaches a learner a stream of one partition; what is decided and refreshed comes between its events."""

    def __init__(self, learner: Learner, refresh: Refresh | None = None) -> None:
        self._learner = learner
        self._refresh = refresh
        self._position = 0  # of the journal's next record
        self._upto = NOTHING_READ
        self._seen: list[Control] = []
        self._seconds = 0.0

    def learn(self, columns: EventColumns) -> None:
        """Accepted events, in order."""
        start = 0
        while start < columns.times.size:
            stop = min(start + LOOK - self._learner.events % LOOK, columns.times.size)
            self._learn(span(columns, start, stop))
            start = stop

    def refreshes(self) -> Refreshes:
        """All so far."""
        fitted, promoted, rejected = (
            sum(isinstance(control, kind) for control in self._seen) for kind in (Generation, Promote, Reject)
        )
        drifts = tuple(control for control in self._seen if isinstance(control, Drift))
        return Refreshes(fitted, promoted, rejected, self._seconds, drifts)

    def _learn(self, columns: EventColumns) -> None:
        upto = int(columns.offsets[-1])
        if self._refresh is not None:
            for record in pack_range(0, self._upto, upto, columns):
                self._append(record)
        self._upto = upto
        self._learner.learn(0, columns)
        if self._learner.events % LOOK == 0:
            self._decide()
            self._refresh_if_due()

    def _decide(self) -> None:
        for decision in generations.decide(self._learner):
            self._follow(pack_control(decision))

    def _refresh_if_due(self) -> None:
        started = time.perf_counter()
        if self._refresh is not None and self._refresh.due():
            for value in self._refresh.fit():
                self._follow(value)
        self._seconds += time.perf_counter() - started

    def _follow(self, value: bytes) -> None:
        """A record takes effect, and with it what has to be written because of it."""
        self._append(value)
        record = unpack(value)
        if isinstance(record, Chunk):
            generations.keep(self._learner, record)
        elif not isinstance(record, EventsRecord):
            self._seen.append(record)
            for answer in generations.follow(self._learner, record):
                self._follow(pack_control(answer))

    def _append(self, value: bytes) -> None:
        if self._refresh is not None:
            self._refresh.add(self._position, value)
            self._position += 1

"""What a worker counts after each micro-batch."""

from collections.abc import Sequence

import numpy as np

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.deadletters import REASONS
from streamproc.contracts.events import OUTCOMES
from streamproc.contracts.topics import topics
from streamproc.kafka.lease import Record
from streamproc.metrics import WorkerMetrics
from streamproc.worker.batches import Decided

AGENT = "worker"
COUNTED = (*OUTCOMES, "rejected")


class Counts:
    """The series of the event stream; every label is there from the start, at 0."""

    def __init__(self, config: Config, metrics: WorkerMetrics, clock: Clock) -> None:
        self._clock = clock
        names = topics(config)
        self._consumed = metrics.events_consumed.labels(names.events.name)
        self._outcomes = [metrics.events_processed.labels(AGENT, outcome) for outcome in COUNTED]
        self._letters = {
            reason: metrics.dlq_records.labels(names.dead_letters.name, reason) for reason in REASONS
        }
        self._processing = metrics.event_processing.labels(AGENT)
        self._sizes = metrics.batch_size.labels(AGENT)
        self._age = metrics.event_time_lag.labels(names.events.name)

    def batch(self, records: Sequence[Record], decided: Decided, seconds: float) -> None:
        """One micro-batch whose end has come after so many seconds."""
        self._consumed.inc(len(records))
        self._sizes.observe(len(records))
        self._processing.observe(seconds)
        counts = np.bincount(decided.outcomes, minlength=len(OUTCOMES)).tolist()
        for series, count in zip(self._outcomes, [*counts, len(records) - sum(counts)], strict=True):
            series.inc(count)
        for reject in decided.rejects:
            self._letters[reject.reason].inc()
        if decided.newest:
            self._age.observe(max(self._clock.now_ms() - decided.newest, 0) / 1000.0)

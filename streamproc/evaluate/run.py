"""Predict, then learn, over event files: accepted as a worker does it, learned as the trainer does it."""

import time
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from streamproc.config import Config
from streamproc.contracts.columns import ACCEPTED, EventColumns, select
from streamproc.contracts.events import Decoder
from streamproc.engine.acceptance import Acceptance
from streamproc.engine.learner import Learner
from streamproc.errors import ConfigError
from streamproc.evaluate.predictions import Collector, Predictions, Weights
from streamproc.evaluate.refreshing import Refresh, Refreshes, Refreshing
from streamproc.evaluate.report import NO_REFRESHES, Clock, Report, report
from streamproc_models import evaluation

Fusing = Literal["learned", "average", "max"]
ANSWERS: dict[Fusing, int] = {
    "learned": evaluation.FUSION,
    "average": evaluation.AVERAGE,
    "max": evaluation.MAXIMUM,
}


class Measured(NamedTuple):
    """One run over a stream."""

    report: Report
    predictions: Predictions
    weights: list[Weights]  # of the fusion, every so often


class Evaluation:
    """One pass over a stream. A function of the events and the configuration alone, but for the seconds."""

    def __init__(
        self,
        config: Config,
        clock: Clock = "published",
        refresh: Refresh | None = None,
        fusing: Fusing = "learned",
    ) -> None:
        self.learner = evaluated_learner(config, 1, clock, fusing)
        self._refreshing = Refreshing(self.learner, refresh)
        self._collector = Collector()
        self._acceptance = Acceptance(config)
        self._decoder = Decoder(config.events)
        self._offset = 0
        self._not_learned: dict[str, int] = {}
        self._started = time.perf_counter()

    def feed(self, values: Sequence[bytes]) -> None:
        """Events in JSON, in the order of their arrival."""
        offsets = np.arange(self._offset, self._offset + len(values))
        self._offset += len(values)
        columns, rejects = self._decoder.decode(values, offsets, np.full(len(values), -1), 0)
        for reject in rejects:
            self._count(reject.reason, 1)
        self._learn(self._accepted(columns))
        self._collector.collect(self.learner, 0)

    def _learn(self, columns: EventColumns) -> None:
        self._refreshing.learn(columns)
        self._collector.learned(columns)

    def _accepted(self, columns: EventColumns) -> EventColumns:
        outcomes = self._acceptance.observe(columns)
        for outcome, name in self._acceptance.refusals:
            self._count(name, int(np.count_nonzero(outcomes == outcome)))
        return select(columns, outcomes == ACCEPTED)

    def _count(self, reason: str, events: int) -> None:
        if events:
            self._not_learned[reason] = self._not_learned.get(reason, 0) + events

    def measured(self) -> Measured:
        """All so far."""
        seconds = time.perf_counter() - self._started
        refreshes = self._refreshing.refreshes()
        return measured(self.learner, self._collector, seconds, self._not_learned, refreshes)


def evaluated_learner(config: Config, partitions: int, clock: Clock, fusing: Fusing = "learned") -> Learner:
    """A learner that makes a slate for every prediction, by one way of fusing, and keeps them all.

    Raises ConfigError for a way that needs a head that is off.
    """
    if fusing != "learned" and not config.heads.gru.enabled:
        raise ConfigError(
            f"--fusion {fusing} fuses the vectors of the recurrent head, and heads.gru is off",
            "Switch it on, or leave --fusion away",
        )
    return Learner(
        config,
        partitions,
        sample_every=1,
        request_clock=clock == "request",
        traced=True,
        answer=ANSWERS[fusing],
    )


def measured(
    learner: Learner,
    collector: Collector,
    seconds: float,
    not_learned: dict[str, int],
    refreshes: Refreshes = NO_REFRESHES,
) -> Measured:
    """What a learner has reached, and prediction by prediction, how."""
    told = report(learner, seconds, not_learned, collector, refreshes)
    return Measured(told, collector.predictions(), collector.weights)


def measure(
    config: Config,
    batches: Iterable[Sequence[bytes]],
    clock: Clock = "published",
    refresh: Refresh | None = None,
    fusing: Fusing = "learned",
) -> Measured:
    """One pass over batches of events in JSON; with a refresh where one is given."""
    run = Evaluation(config, clock, refresh, fusing)
    for values in batches:
        run.feed(values)
    return run.measured()


def evaluate(config: Config, batches: Iterable[Sequence[bytes]]) -> Report:
    """The figures of one pass over batches of events in JSON."""
    return measure(config, batches).report

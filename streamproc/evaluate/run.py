"""Predict, then learn, over event files: accepted as a worker does it, learned as the trainer does it."""

import time
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from streamproc.config import Config
from streamproc.contracts.columns import ACCEPTED, EventColumns, select
from streamproc.contracts.events import Decoder
from streamproc.engine.acceptance import Acceptance
from streamproc.engine.learner import Learner
from streamproc_models import evaluation

FAMILIES = ("short_term", "long_term", "popularity")


class Figures(msgspec.Struct, frozen=True):
    """What one model reached over all evaluated events."""

    recall_at_1: float
    recall_at_10: float
    recall_at_20: float
    mrr_at_20: float
    ndcg_at_20: float


class Report(msgspec.Struct, frozen=True):
    """What an evaluation found."""

    events: int  # learned
    evaluated: int  # predicted: the user had an earlier event
    events_per_second: float  # reading included
    seconds: float
    not_learned: dict[str, int]  # by outcome or reason
    users: int
    items: int
    coverage: float  # share of the items that were on a slate
    gate: dict[str, float]  # mean share of each family in a slate
    generation: int
    models: dict[str, Figures]


class Evaluation:
    """One pass over a stream. A function of the events and the configuration alone, but for the seconds."""

    def __init__(self, config: Config) -> None:
        self.learner = Learner(config, partitions=1, sample_every=1)
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
        self.learner.learn(0, self._accepted(columns))

    def _accepted(self, columns: EventColumns) -> EventColumns:
        outcomes = self._acceptance.observe(columns)
        for outcome, name in self._acceptance.refusals:
            self._count(name, int(np.count_nonzero(outcomes == outcome)))
        return select(columns, outcomes == ACCEPTED)

    def _count(self, reason: str, events: int) -> None:
        if events:
            self._not_learned[reason] = self._not_learned.get(reason, 0) + events

    def report(self) -> Report:
        """The figures so far."""
        return report(self.learner, time.perf_counter() - self._started, self._not_learned)


def evaluate(config: Config, batches: Iterable[Sequence[bytes]]) -> Report:
    """The figures of one pass over batches of events in JSON."""
    run = Evaluation(config)
    for values in batches:
        run.feed(values)
    return run.report()


def report(learner: Learner, seconds: float, not_learned: dict[str, int]) -> Report:
    """What a learner has reached after so many seconds of work."""
    memory = learner.memory
    gate, sampled = memory.gate[:3], max(float(memory.gate[3]), 1.0)
    met = learner.model.popularity.last[: learner.items] >= 0
    return Report(
        events=learner.events,
        evaluated=int(memory.record.evaluated[0]),
        events_per_second=learner.events / max(seconds, 1e-9),
        seconds=seconds,
        not_learned=not_learned,
        users=sum(users.windows.count for users in learner.users),
        items=int(met.sum()),
        coverage=float(memory.shown[: learner.items][met].mean()) if met.any() else 0.0,
        gate={name: float(share) / sampled for name, share in zip(FAMILIES, gate, strict=True)},
        generation=int(learner.model.lasting[0]),
        models=_models(learner),
    )


def _models(learner: Learner) -> dict[str, Figures]:
    found = {}
    for number, name in enumerate(evaluation.MODELS):
        figures = evaluation.figures(learner.memory.record, number)
        if figures.events:
            found[name] = Figures(*figures[1:])
    return found

"""What an evaluation found: for people `table` and `story` show it, for programs it is one JSON object."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from streamproc.engine.learner import Learner
from streamproc.evaluate.curves import Point, curve
from streamproc.evaluate.exposure import gini, novelty
from streamproc.evaluate.paired import Comparison, Paired, leads
from streamproc.evaluate.predictions import Collector
from streamproc.evaluate.refreshing import Refreshes
from streamproc.evaluate.segments import FAMILIES, Slice, segments, sum_up
from streamproc_models import evaluation

Clock = Literal["published", "request"]
NO_REFRESHES = Refreshes()


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
    events_per_second: float  # reading included, refreshing not
    seconds: float
    not_learned: dict[str, int]  # by outcome or reason
    users: int
    items: int
    coverage: float  # share of the items that were on a slate
    gate: dict[str, float]  # mean share of each family in a slate
    generation: int
    models: dict[str, Figures]
    clock: Clock
    candidate_recall: float  # share of the targets that were candidates
    gini: float  # of how often each item was on a slate
    novelty: float  # bits
    segments: dict[str, dict[str, Slice]]  # by kind and name
    fusion_against: dict[str, Paired]  # the lead of the model that answers over every other one
    curve: Sequence[Point]  # one for 5,000 events
    comparisons: Sequence[Comparison] = ()  # with other runs over the same stream
    refreshes: Refreshes = NO_REFRESHES
    answer: str = "fusion"  # the model whose slates, segments and lead these are


def report(
    learner: Learner,
    seconds: float,
    not_learned: dict[str, int],
    collector: Collector | None = None,
    refreshes: Refreshes = NO_REFRESHES,
) -> Report:
    """What a learner has reached after so many seconds of work; without a collector, its sums alone."""
    memory = learner.memory
    p = (collector or Collector()).predictions()
    gate, sampled = memory.gate[:3], max(float(memory.gate[3]), 1.0)
    met = learner.model.popularity.last[: learner.items] >= 0
    return Report(
        events=learner.events,
        evaluated=int(memory.record.evaluated[0]),
        events_per_second=learner.events / max(seconds - refreshes.seconds, 1e-9),
        seconds=seconds,
        not_learned=not_learned,
        users=sum(users.windows.count for users in learner.users),
        items=int(met.sum()),
        coverage=float(memory.shown[: learner.items][met].mean()) if met.any() else 0.0,
        gate={name: float(share) / sampled for name, share in zip(FAMILIES, gate, strict=True)},
        generation=int(learner.model.lasting[0]),
        models=_models(learner),
        clock="request" if learner.settings.request_clock else "published",
        candidate_recall=sum_up(p).candidate_recall,
        gini=gini(learner.trace.shown[: learner.items][met]) if collector else 0.0,
        novelty=novelty(p),
        segments=segments(p),
        fusion_against=leads(p, learner.settings.answer),
        curve=curve(p),
        refreshes=refreshes,
        answer=evaluation.MODELS[learner.settings.answer],
    )


def telling(report: Report) -> list[str]:
    """The models that say something: right now and then, and not the answer under another name."""
    answer = report.models.get(report.answer)
    return [
        name
        for name, figures in report.models.items()
        if figures.recall_at_20 > 0 and (name == report.answer or figures != answer)
    ]


def _models(learner: Learner) -> dict[str, Figures]:
    found = {}
    for number, name in enumerate(evaluation.MODELS):
        figures = evaluation.figures(learner.memory.record, number)
        if figures.events:
            found[name] = Figures(*figures[1:])
    return found

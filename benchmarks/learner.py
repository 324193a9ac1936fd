"""The learner alone: predict and learn every event, in memory, on one core."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks import signals, workloads
from benchmarks.cores import Load, pinned
from benchmarks.result import Figures, Goal, Result, at_least
from streamproc.collector import settle
from streamproc.config import Config
from streamproc.contracts.columns import EventColumns
from streamproc.engine.learner import Learner
from streamproc.engine.warming import warm_learner
from streamproc_models import evaluation

EVENTS, QUICK_EVENTS = 200_000, 3000
ROUNDS = 5
WITHIN = 0.99  # of the quality that this model is known to reach on the same events

GOALS = {
    ("", workloads.ONLINE_RETAIL): (at_least("events_per_second", 15_000),),
    ("", workloads.DIGINETICA): (at_least("events_per_second", 40_000),),
    ("/few", workloads.YOOCHOOSE): (
        at_least("events_per_second", 100_000),
        at_least("recall_at_20", WITHIN * 0.6423),
        at_least("mrr_at_20", WITHIN * 0.3443),
    ),
    ("/few", workloads.ONLINE_RETAIL): (
        at_least("events_per_second", 70_000),
        at_least("recall_at_20", WITHIN * 0.3654),
        at_least("mrr_at_20", WITHIN * 0.1719),
    ),
}


class Round(NamedTuple):
    """One pass over the stream by a learner that knew nothing."""

    figures: Figures  # of quality, the same in every round
    processor: float  # seconds of the thread
    wall: float  # seconds


def run(quick: bool) -> Iterator[Result]:
    """Every stream there is, with all signals and with few; with `quick` a short simulated one."""
    warm_learner(Config())
    settle()  # as a trainer does
    if quick:
        yield _measured("", workloads.load(workloads.SHOP, QUICK_EVENTS))
        return
    names = {workloads.load(name, EVENTS).name for name in workloads.SOURCES}
    for name in sorted(names, reverse=True):
        for ending in signals.PROFILES:
            yield _measured(ending, workloads.load(name, EVENTS))


def _measured(ending: str, workload: workloads.Workload) -> Result:
    config = Config.model_validate(signals.PROFILES[ending])
    batches = workloads.batches(workload, config)
    with pinned(1):
        load = Load()
        rounds = [_round(config, batches) for _ in range(ROUNDS)]
        foreign = load.foreign()
    goals: tuple[Goal, ...] = GOALS.get((ending, workload.name), ())
    return Result("learner" + ending, workload.name, config, _figures(rounds), goals, foreign)


def _round(config: Config, batches: Sequence[EventColumns]) -> Round:
    learner = Learner(config, 1)
    processor, wall = time.thread_time(), time.perf_counter()
    for columns in batches:
        learner.learn(0, columns)
    seconds = time.thread_time() - processor, time.perf_counter() - wall
    return Round(_quality(learner), *seconds)


def _figures(rounds: Sequence[Round]) -> Figures:
    best, worst = (pick(each.processor for each in rounds) for pick in (min, max))
    quality = rounds[0].figures
    return quality | {
        "events_per_second": quality["events"] / best,  # of processor time: what others take does not count
        "events_per_second_worst": quality["events"] / worst,
        "events_per_wall_second": quality["events"] / min(each.wall for each in rounds),
    }


def _quality(learner: Learner) -> Figures:
    fusion = evaluation.figures(learner.memory.record, evaluation.FUSION)
    gru = evaluation.figures(learner.memory.record, evaluation.GRU)
    popularity = evaluation.figures(learner.memory.record, evaluation.POPULARITY)
    return {
        "events": learner.events,
        "recall_at_20": fusion.recall_at_20,
        "mrr_at_20": fusion.mrr_at_20,
        "gru_recall_at_20": gru.recall_at_20,
        "popularity_recall_at_20": popularity.recall_at_20,
        "users": learner.users[0].windows.count,
        "items": learner.items,
    }

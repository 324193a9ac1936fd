"""All measurements of a set: the engine by both clocks and without refreshes, then others.

Every line is made from one pass over the same events, so that they can be compared event by event.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import click

from benchmarks.cores import Load
from benchmarks.quality import arriving, counting, factorising, judging, refitting, returning
from benchmarks.quality.judging import Asked
from benchmarks.quality.sets import RETURNING, SETS, SIMULATED, Set
from benchmarks.quality.stream import Stream, missing, read
from benchmarks.quality.telling import against, told
from benchmarks.result import Figures, Goal, Result, at_least
from streamproc.collector import settle
from streamproc.config import Config
from streamproc.engine.warming import warm_learner
from streamproc.evaluate.report import Clock
from streamproc.evaluate.run import Measured, measure
from streamproc.refresh.offline import OfflineRefresh
from streamproc_models.arrays import I64

REFRESHES = 25  # in a stream
JUDGED = 20_000  # events at most, evenly spread, of who ranks slowly; they learn from all
Baseline = Callable[[I64], I64]  # events to places


def results(quick: bool, names: Sequence[str]) -> Iterator[Result]:
    """The named sets, or everything there is."""
    warm_learner(Config())
    settle()
    for chosen in _chosen(quick, names):
        yield from _of(chosen, quick)
    if not names or RETURNING in names:
        yield from returning.run(quick)


def _chosen(quick: bool, names: Sequence[str]) -> Iterator[Set]:
    if quick and not names:
        yield SIMULATED
        return
    for chosen in (SETS[name] for name in names or SETS if name != RETURNING):
        if why := missing(chosen):
            click.echo(why, err=True)
        else:
            yield chosen


def _of(chosen: Set, quick: bool) -> Iterator[Result]:
    config, stream = Config.model_validate(chosen.settings), read(chosen, quick)
    every = max(1, len(stream.values) // REFRESHES)
    refreshed, first = _pass(chosen, config, stream, "request", every)
    yield first
    yield _pass(chosen, config, stream, "published", every)[1]
    plain, result = _pass(chosen, config, stream, "request", 0)
    yield result._replace(figures=result.figures | against(refreshed, plain))
    yield _baselines(chosen, config, stream, judging.asked(refreshed.predictions), every)
    yield arriving.run(chosen, config, stream)


def _pass(chosen: Set, config: Config, stream: Stream, clock: Clock, every: int) -> tuple[Measured, Result]:
    refresh, load = OfflineRefresh(config, every) if every else None, Load()
    measured = measure(config, stream.batches(), clock, refresh)
    name = clock if every else "unrefreshed"
    goals = _goals(chosen) if name == "request" else ()
    figures = told(measured)
    return measured, Result(f"quality/{name}", chosen.name, config, figures, goals, load.foreign())


def _goals(chosen: Set) -> tuple[Goal, ...]:
    must = chosen.must
    if must is None:
        return ()
    return at_least("recall_at_20", must.recall_at_20), at_least("mrr_at_20", must.mrr_at_20)


def _baselines(chosen: Set, config: Config, stream: Stream, asked: Asked, every: int) -> Result:
    load, figures = Load(), Figures()
    for name, baseline in _who(chosen, stream, every).items():
        judged = asked.every(1 if name in ("popularity", "history") else -(-len(asked.events) // JUDGED))
        started = time.perf_counter()
        places = baseline(judged.events)
        figures |= judging.figures(name, judged, places, time.perf_counter() - started)
    return Result("quality/baselines", chosen.name, config, figures, (), load.foreign())


def _who(chosen: Set, stream: Stream, every: int) -> dict[str, Baseline]:
    """Baselines by their names; nobody's own history holds a new pair."""
    new = chosen.new_pairs
    who: dict[str, Baseline] = {"popularity": lambda events: counting.popularity(stream, events, new)}
    if not new:
        who["history"] = lambda events: counting.own_history(stream, events)
    who["biased_mf"] = lambda events: factorising.factorisation(stream, events, new)
    for model in refitting.MODELS:
        who[model] = lambda events, model=model: refitting.refitted(model, stream, events, new, every)
    return who

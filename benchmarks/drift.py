"""A simulated shop that becomes another one: when that is noticed, and how soon predictions are right again.

From one event on every item plays the part of another one: what was learned of what goes with what is wrong,
and what is in demand is another thing. Measured with what is done about it by the configuration, and without.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.result import Figures, Goal, Result, at_least, at_most
from streamproc.config import Config, DriftConfig
from streamproc.contracts.events import encode
from streamproc.evaluate.run import Evaluation, Measured
from streamproc.refresh.offline import OfflineRefresh
from streamproc.simulate.shop import Shop
from streamproc_models.arrays import F64, I64
from streamproc_models.evaluation import FUSION

SEEDS = (11, 12, 13)
BATCH = 1000  # events
SMOOTH = 1000  # predictions in a mean
AFTER = 10_000  # events after the shift that its cost is counted over
BACK = 0.95  # share of the recall before that counts as recovered
SHIFTED, STEADY = "simulated shop with a shift", "simulated shop without a shift"


class Length(NamedTuple):
    """How long the stream is, in events."""

    shift: int
    events: int


class Answer(NamedTuple):
    """What is done about a drift."""

    drift: DriftConfig
    refresh_every: int = 0  # events; 0: never, unless for a drift


LONG, SHORT = Length(40_250, 60_000), Length(5250, 8000)
DISCOUNT = {"discount": 30.0}
ANSWERS = {
    "nothing": Answer(DriftConfig()),
    "rates": Answer(DriftConfig(rate=2.0)),
    "discount": Answer(DriftConfig(**DISCOUNT)),
    "both": Answer(DriftConfig(**DISCOUNT, rate=2.0)),
    "refreshes, nothing": Answer(DriftConfig(), 20_000),
    "refreshes, refresh now": Answer(DriftConfig(refresh=True), 20_000),
    "refreshes, all": Answer(DriftConfig(**DISCOUNT, rate=2.0, refresh=True), 20_000),
}


def run(quick: bool) -> Iterator[Result]:
    """Each answer on the stream with a shift; the strongest on one without, where it can only do harm."""
    length, seeds = (SHORT, SEEDS[:1]) if quick else (LONG, SEEDS)
    names = ("nothing", "both") if quick else tuple(ANSWERS)
    yield from _all(SHIFTED, names, length, seeds, length.shift)
    yield from _all(STEADY, ("nothing", "both"), length, seeds, length.events)


def _all(
    workload: str, names: Sequence[str], length: Length, seeds: Sequence[int], shift: int
) -> Iterator[Result]:
    streams = [stream(seed, length.events, shift) for seed in seeds]
    plain: Figures = {}
    for name in names:
        figures = _mean([_figures(_measured(ANSWERS[name], values), length.shift) for values in streams])
        plain = plain or figures
        yield Result(
            f"drift/{name}", workload, _config(ANSWERS[name]), figures, _goals(name, workload, plain)
        )


def _goals(name: str, workload: str, plain: Figures) -> tuple[Goal, ...]:
    """What is done has to help where there is a shift, and must not harm where there is none."""
    if name == "both" and workload == SHIFTED:
        return at_most("recovered_after", 0.8 * plain["recovered_after"]), at_most("noticed_after", 2000)
    return (at_least("recall_after", 0.99 * plain["recall_after"]),) if name == "both" else ()


def stream(seed: int, events: int, shift: int) -> list[bytes]:
    """Events in JSON; from number `shift` on every item's part is played by another one."""
    shop = Shop(seed=seed, users=500, items=400)
    names = np.array(shop.items.item_ids)
    part = dict(zip(names, np.random.default_rng(seed).permutation(names).tolist(), strict=True))
    sold = enumerate(shop.events(events))
    return [
        encode(event if number < shift else msgspec.structs.replace(event, item_id=part[event.item_id]))
        for number, event in sold
    ]


def _measured(answer: Answer, values: Sequence[bytes]) -> Measured:
    config = _config(answer)
    refresh = OfflineRefresh(config, answer.refresh_every) if answer.refresh_every else None
    evaluation = Evaluation(config, refresh=refresh)
    for start in range(0, len(values), BATCH):
        evaluation.feed(values[start : start + BATCH])
    return evaluation.measured()


def _config(answer: Answer) -> Config:
    return Config(drift=answer.drift)


def _figures(measured: Measured, shift: int) -> Figures:
    """Recall before and after, and how many events after the shift it was noticed and was over."""
    events, hits = measured.predictions.event, measured.predictions.hits(FUSION)
    first, last = np.searchsorted(events, [shift, shift + AFTER])
    before = float(hits[max(first - 5 * SMOOTH, 0) : first].mean())
    drifts = measured.report.refreshes.drifts
    noticed = [drift.event - shift for drift in drifts if drift.event > shift]
    return {
        "recall_before": before,
        "recall_after": float(hits[first:last].mean()),
        "recovered_after": _recovered(hits[first:], events[first:] - shift, BACK * before),
        "noticed_after": min(noticed, default=int(events[-1]) - shift),  # never: as many as there were
        "drifts": len(drifts),
    }


def _recovered(hits: F64, events: I64, wanted: float) -> float:
    """Events until a mean over SMOOTH predictions is what is wanted; where it never is, all there are."""
    sums = np.cumsum(hits)
    reached = np.flatnonzero(sums[SMOOTH:] - sums[:-SMOOTH] >= wanted * SMOOTH)
    return float(events[reached[0] + SMOOTH] if reached.size else events[-1])


def _mean(rounds: Sequence[Figures]) -> Figures:
    """Of each figure over the seeds."""
    return {name: float(np.mean([figures[name] for figures in rounds])) for name in rounds[0]}

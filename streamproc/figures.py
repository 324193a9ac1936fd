"""The few numbers that say how the whole is doing, out of everything that the parts answer."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from streamproc.clock import Clock, SystemClock
from streamproc.scrape import Samples, Tokens, scrape

PARTS = ("worker", "trainer", "refresh", "server")


@dataclass(frozen=True)
class Figures:
    """One look at the parts; None where nobody could say."""

    parts: dict[str, str]  # part -> ready, starting, not running
    events: int = 0  # read by the workers since they started
    events_per_second: float | None = None
    outcomes: dict[str, int] = field(default_factory=dict)
    worker_lag: int | None = None  # events
    trainer_lag: int | None = None  # journal records
    predicts_every: int | None = None  # so many-th event: more than 1 while the trainer sheds load
    slates: int = 0
    model_version: int | None = None
    generation: int | None = None
    predicted: int = 0  # events predicted before they were learned
    recall_at_20: dict[str, float] = field(default_factory=dict)  # by model
    mrr_at_20: dict[str, float] = field(default_factory=dict)
    refresh: str = "not running"

    @property
    def any_running(self) -> bool:
        return any(health != "not running" for health in self.parts.values())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Collector:
    """Looks again and again; the rate is between two looks."""

    def __init__(
        self,
        data_dir: Path,
        clock: Clock | None = None,
        read: Callable[[Path], Samples] | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._clock = clock or SystemClock()
        self._read = read or partial(scrape, tokens=tokens)
        self._last: tuple[float, int] | None = None  # seconds, events

    def look(self) -> Figures:
        """Scrape and add up."""
        samples = self._read(self._data_dir)
        events = int(samples.total("worker", "events_consumed_total"))
        return figures(samples, events, self._rate(events))

    def _rate(self, events: int) -> float | None:
        now, last = self._clock.seconds(), self._last
        self._last = (now, events)
        if last is None or now <= last[0]:
            return None
        return max(0.0, (events - last[1]) / (now - last[0]))  # below 0: a worker began to count anew


def figures(samples: Samples, events: int, rate: float | None) -> Figures:
    """What the samples say."""
    trials = samples.by("trainer", "prequential_trials_total", "model")
    return Figures(
        parts={part: _health(samples, part) for part in PARTS},
        events=events,
        events_per_second=rate,
        outcomes=_whole(samples.by("worker", "events_processed_total", "outcome")),
        worker_lag=_lag(samples, "worker", "events"),
        trainer_lag=_lag(samples, "trainer", "journal"),
        predicts_every=_number(samples.highest("trainer", "prediction_interval_events")),
        slates=int(samples.total("worker", "recommendations_published_total")),
        model_version=_number(samples.highest("worker", "model_version")),
        generation=_number(samples.highest("worker", "model_generation")),
        predicted=int(trials.get("fusion", 0)),
        recall_at_20={m: samples.total("trainer", "prequential_hits_total", model=m, k="20") / n
                      for m, n in trials.items() if n},
        mrr_at_20={m: samples.total("trainer", "prequential_reciprocal_rank_total", model=m) / n
                   for m, n in trials.items() if n},
        refresh=_refresh(samples),
    )  # fmt: skip


def _health(samples: Samples, part: str) -> str:
    ready = samples.highest(part, "ready")
    if ready is None:
        return "not running"
    return "ready" if ready else "starting"


def _refresh(samples: Samples) -> str:
    states = samples.by("refresh", "refresh_state", "state")
    return next((state.replace("_", " ") for state, on in states.items() if on), "not running")


def _lag(samples: Samples, part: str, topic: str) -> int | None:
    """Sum over the partitions of the topic with this name, whatever its prefix."""
    lags = [s.value for s in samples if s.part == part and s.name == "consumer_lag_records"
            and s.labels["topic"].endswith(topic)]  # fmt: skip
    return int(sum(lags)) if lags else None


def _number(value: float | None) -> int | None:
    return None if value is None else int(value)


def _whole(values: dict[str, float]) -> dict[str, int]:
    return {name: int(value) for name, value in values.items()}

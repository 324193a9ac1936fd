"""Epoch after epoch, until the newest slice of the history is predicted no better, or the time is up.

The best epoch's weights then see the newest slice too, once: items that came up last would stay unknown.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from torch import Tensor

from streamproc.encoder_config import EncoderConfig
from streamproc.refresh.encoder.judging import Judgement, judge
from streamproc.refresh.encoder.network import Encoder
from streamproc.refresh.encoder.sampling import Sampler, sampler
from streamproc.refresh.encoder.sequences import Chunks, Sequences, batch, batches, chunks, sequences, trained
from streamproc_models.arrays import I32

MOST_NEWEST = 10_000  # events of the newest slice
LOOKED_EVERY = 50  # steps between two looks at the clock

Stopped = Literal["epochs", "patience", "seconds"]


class Progress(NamedTuple):
    """Where a training stands."""

    epoch: int  # from 1
    epochs: int  # at most
    share: float  # of the epoch
    best: Judgement | None  # so far


class Trained(NamedTuple):
    """The best encoder found, and how."""

    encoder: Encoder
    sampler: Sampler
    best: Judgement  # on the newest slice, before it was learned
    epoch: int  # the best one, from 1
    epochs: int  # begun
    stopped: Stopped
    seconds: float  # of CPU


class _Best(NamedTuple):
    judgement: Judgement
    epoch: int
    weights: list[Tensor]


Tell = Callable[[Progress], None]


def train(
    users: I32, items: I32, item_count: int, config: EncoderConfig, seed: int,
    seconds: Callable[[], float], tell: Tell = lambda _: None,
) -> Trained:  # fmt: skip
    """An encoder of `item_count` items from events (n,) in order; `seconds` tells the CPU time used so far.

    A function of its arguments on one thread, as long as the time is not up. Raises ValueError where no
    user has two events before the newest slice.
    """
    newest = min(int(users.size * config.newest), MOST_NEWEST)
    events = sequences(users, items, newest)
    if not trained(events).any():
        raise ValueError("no user has two events before the newest ones")
    return _Training(events, item_count, config, seed, seconds, tell).run()


def rate(config: EncoderConfig, share: float) -> float:
    """The learning rate after this share of all steps: rises from 0 in a line, then falls in another."""
    if share < config.warm_up:
        return config.rate * share / config.warm_up
    rest = (share - config.warm_up) / max(1.0 - config.warm_up, 1e-9)
    return config.rate * (1.0 - min(rest, 1.0) * (1.0 - config.decay))


class _Training:
    def __init__(
        self, events: Sequences, items: int, config: EncoderConfig, seed: int,
        seconds: Callable[[], float], tell: Tell,
    ) -> None:  # fmt: skip
        self._events, self._config, self._seconds, self._tell = events, config, seconds, tell
        self._draw = np.random.default_rng(seed)
        self._encoder = Encoder(config, items, seed)
        self._sampler = _counted(events, items)
        self._started = seconds()
        self._judged: Judgement | None = None  # the best so far

    def run(self) -> Trained:
        epoch, best = 1, self._one_epoch(1)
        while (stopped := self._stops(epoch, best.epoch)) is None:
            self._judged = best.judgement
            epoch += 1
            newer = self._one_epoch(epoch)
            best = newer if _better(newer.judgement, best.judgement) else best
        self._encoder.restore(best.weights)
        self._learn_newest()
        result = (self._encoder, self._sampler, best.judgement, best.epoch, epoch)
        return Trained(*result, stopped, self._used())

    def _one_epoch(self, epoch: int) -> _Best:
        """Every trained pair once, unless the time is up before; a user is cut at other places each time."""
        config = self._config
        cut = chunks(self._events.starts, trained(self._events), config.length, self._draw)
        parts = batches(cut, config.batch, self._draw)
        for place, part in enumerate(parts):
            share = place / len(parts)
            self._step(part, rate(config, (epoch - 1 + share) / config.epochs))
            if place % LOOKED_EVERY == 0:
                self._tell(Progress(epoch, config.epochs, share, self._judged))
                if self._used() >= config.seconds:
                    break
        return _Best(judge(self._encoder, self._events), epoch, self._encoder.copied())

    def _stops(self, epoch: int, best: int) -> Stopped | None:
        if self._used() >= self._config.seconds:
            return "seconds"
        if epoch >= self._config.epochs:
            return "epochs"
        return "patience" if epoch - best >= self._config.patience else None

    def _learn_newest(self) -> None:
        """At the full rate: at a tenth of it, newcomers of the slice stayed as good as unknown."""
        events, config = self._events, self._config
        first = np.maximum(events.known - 1, events.starts)
        cut = chunks(first, events.ends - 1 - first, config.length, self._draw)
        for part in batches(cut, config.batch, self._draw):
            self._step(part, config.rate)

    def _step(self, part: Chunks, rate: float) -> None:
        self._encoder.learn(batch(self._events.items, part), self._sampler, rate, self._draw)

    def _used(self) -> float:
        return self._seconds() - self._started


def _better(one: Judgement, other: Judgement) -> bool:
    return one.recall + one.mrr > other.recall + other.mrr


def _counted(events: Sequences, items: int) -> Sampler:
    """Inputs and targets of all sequences, the newest slice included."""
    edges = np.zeros(events.items.size + 1, np.int8)
    edges[events.starts] += 1
    edges[events.ends - 1] -= 1
    inputs = np.flatnonzero(np.cumsum(edges))  # places with another one after them
    return sampler(*(np.bincount(events.items[places], minlength=items) for places in (inputs, inputs + 1)))

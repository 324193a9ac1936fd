"""The simulated shop's events as columns, and learners that keep every prediction of them."""

import msgspec
import numpy as np

from streamproc.config import Config
from streamproc.contracts.events import Decoder, encode
from streamproc.engine import trace
from streamproc.engine.learner import Learner
from streamproc.simulate.shop import Shop

CONFIG = Config()


def visits(count, seed=7, users=80, items=200):
    """The first events of a shop, in the order of their arrival."""
    return list(Shop(seed, users=users, items=items).events(count))


def changed(event, **fields):
    """The same event with other fields."""
    return msgspec.structs.replace(event, **fields)


def decoded(events, first=0):
    """As a worker decodes them, with offsets from `first` on."""
    decoder, offsets = Decoder(CONFIG.events), np.arange(first, first + len(events))
    columns, rejects = decoder.decode(
        [encode(event) for event in events], offsets, np.full(len(events), -1), 0
    )
    assert not rejects
    return columns


def asked(request_clock=False):
    """A learner that keeps every prediction and makes every slate."""
    return Learner(CONFIG, 1, sample_every=1, request_clock=request_clock, traced=True)


def learned(events, size=4000, request_clock=False):
    """One that has learned these events in batches of up to `size`."""
    learner = asked(request_clock)
    for start in range(0, len(events), size):
        learner.learn(0, decoded(events[start : start + size], start))
    return learner


def predictions(learner, before=None):
    """Places (n, models), numbers and shares of all predictions so far, or of those of the first events."""
    places, numbers, shares = trace.drain(learner.trace)
    early = numbers[:, trace.EVENT] < (before or learner.events)
    return places[early], numbers[early], shares[early]

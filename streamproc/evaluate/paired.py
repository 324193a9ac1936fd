"""Who is better, and by how much more than chance: both judged on the same events, event by event.

    mean of d_i +- std(d) / sqrt(n),   d_i = what one got for event i minus what the other got
The standard error takes events as independent. A difference of more than two of them is hardly an accident.
"""

import math

import msgspec
import numpy as np

from streamproc.evaluate.predictions import Predictions
from streamproc.evaluate.segments import Reached, sum_up
from streamproc_models import evaluation
from streamproc_models.arrays import F64


class Difference(msgspec.Struct, frozen=True):
    """A mean of differences per event."""

    mean: float
    standard_error: float


class Paired(msgspec.Struct, frozen=True):
    """How far one model is ahead of another; below zero it is behind."""

    events: int  # both were asked for
    recall_at_20: Difference
    mrr_at_20: Difference


class Compared(msgspec.Struct, frozen=True):
    """One model in two runs, over the events that both evaluated."""

    here: Reached
    there: Reached
    lead: Paired  # here minus there


class Comparison(msgspec.Struct, frozen=True):
    """A run beside another one over the same stream."""

    name: str  # of the other
    events: int  # evaluated in both
    only_here: int
    only_there: int
    models: dict[str, Compared]


def difference(values: F64) -> Difference:
    """Mean and standard error of n > 1 values."""
    return Difference(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)))


def leads(p: Predictions, answer: int = evaluation.FUSION) -> dict[str, Paired]:
    """The lead over every other model of the one whose answer is looked at."""
    found = {}
    for number, name in enumerate(evaluation.MODELS):
        paired = lead(p, answer, p, number) if number != answer else None
        if paired:
            found[name] = paired
    return found


def lead(here: Predictions, model: int, there: Predictions, other: int) -> Paired | None:
    """How far a model is ahead of another one, row by row; None with less than two events of both."""
    both = here.asked(model) & there.asked(other)
    n = int(np.count_nonzero(both))
    if n < 2:
        return None
    hits = here.hits(model)[both] - there.hits(other)[both]
    reciprocals = here.reciprocals(model)[both] - there.reciprocals(other)[both]
    return Paired(n, difference(hits), difference(reciprocals))


def compare(name: str, here: Predictions, there: Predictions) -> Comparison:
    """Two runs, event by event; what only one of them evaluated is counted and left out."""
    _, ours, theirs = np.intersect1d(here.key, there.key, assume_unique=True, return_indices=True)
    here_too, there_too = here.only(ours), there.only(theirs)
    reached, other = sum_up(here_too).models, sum_up(there_too).models
    models = {}
    for number, model in enumerate(evaluation.MODELS):
        paired = lead(here_too, number, there_too, number)
        if paired:
            models[model] = Compared(reached[model], other[model], paired)
    return Comparison(name, len(ours), len(here.key) - len(ours), len(there.key) - len(ours), models)

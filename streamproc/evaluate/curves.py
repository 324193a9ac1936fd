"""How the figures move along the stream, in pieces of 5,000 events."""

import itertools

import msgspec
import numpy as np

from streamproc.evaluate.predictions import STEP, Predictions
from streamproc.evaluate.segments import Slice, sum_up


class Point(msgspec.Struct, frozen=True):
    """One piece of the stream."""

    first: int  # events learned before it began
    figures: Slice


def curve(p: Predictions) -> list[Point]:
    """One point for every STEP events learned, where any of them was evaluated."""
    piece = p.event // STEP
    starts = np.flatnonzero(np.diff(piece, prepend=-1))
    bounds = [*starts.tolist(), len(piece)]
    return [Point(int(piece[a]) * STEP, sum_up(p.only(slice(a, b)))) for a, b in itertools.pairwise(bounds)]


def steady(points: list[Point], events: int) -> list[Point]:
    """The points that a plot can show: all but a last piece that `events`, the stream's length, cut short."""
    return points[:-1] if len(points) > 1 and events - points[-1].first < STEP // 2 else points

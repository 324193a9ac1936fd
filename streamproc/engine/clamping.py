"""Bounds on the gate: no family's share of a slate below or above what the config allows.

The families' weights are scaled so that their shares of the present slate come to lie within the bounds, and
the candidates are ranked again; since that changes the slate, it is done up to three times.
"""

from typing import NamedTuple

import numpy as np

from streamproc.config import Config
from streamproc.engine import choosing, ranking, reasons, scoring
from streamproc.engine.choosing import Slate
from streamproc.engine.model import Model
from streamproc.engine.scratch import Scratch
from streamproc_models import evaluation, fusion
from streamproc_models.arrays import F32
from streamproc_models.kernel import inlined, tight

ROUNDS = 3
_TINY = 1e-6


class Bounds(NamedTuple):
    """Least and largest share of short term, long term and popularity, and whether any of them binds."""

    on: bool
    least: tuple[float, float, float]
    most: tuple[float, float, float]


def bounds(config: Config) -> Bounds:
    """What the config says."""
    gate = config.fusion.gate
    pairs = gate.short_term, gate.long_term, gate.popularity
    least, most = (pairs[0][0], pairs[1][0], pairs[2][0]), (pairs[0][1], pairs[1][1], pairs[2][1])
    return Bounds(least != (0.0, 0.0, 0.0) or most != (1.0, 1.0, 1.0), least, most)


@inlined
def clamp(m: Model, s: Scratch, slate: Slate, limits: Bounds, votes: int) -> None:
    """Scores `s` again where the slate that they give would break a bound.

    A head that stands in for the fusion is the fusion's judge, and is left alone.
    """
    head = ranking.answering(m, s)
    if head != evaluation.FUSION and head != evaluation.TWIN:
        return
    for _ in range(ROUNDS):
        k = choosing.choose(m, s, slate)
        reasons.explain(m, s, slate, k, votes, head)
        if not _rescale(s.weights, slate.gate, limits, slate.parts[0]):
            return
        scoring.add_up(m.pool, s)


@tight
def _rescale(weights: F32, gate: F32, limits: Bounds, wanted: F32) -> bool:
    """Whether weights had to change; `wanted` is scratch for the shares that they are scaled to."""
    changed = False
    for family in range(3):
        wanted[family] = min(max(gate[family], limits.least[family]), limits.most[family])
        changed = changed or wanted[family] != gate[family]
    if not changed:
        return False
    unit = _share_out(wanted, gate, limits)
    for f in range(fusion.FEATURES):
        family = reasons.FAMILY_OF[f]
        weights[f] *= wanted[family] / max(gate[family], np.float32(_TINY)) / unit
    return True


@tight
def _share_out(wanted: F32, gate: F32, limits: Bounds) -> np.float32:
    """Moves shares within the bounds until they add up to 1; families with room keep their proportions.

    Returns by how much the ones that no bound holds are scaled.
    """
    for _ in range(4):
        rest, free = 1.0 - (wanted[0] + wanted[1] + wanted[2]), 0.0
        for family in range(3):
            if _has_room(wanted[family], rest, limits.least[family], limits.most[family]):
                free += max(wanted[family], np.float32(_TINY))
        if free == 0.0:
            break
        for family in range(3):
            if _has_room(wanted[family], rest, limits.least[family], limits.most[family]):
                moved = wanted[family] + rest * max(wanted[family], np.float32(_TINY)) / free
                wanted[family] = min(max(moved, limits.least[family]), limits.most[family])
    unit = np.float32(1.0)
    for family in range(3):
        inside = limits.least[family] <= gate[family] <= limits.most[family]
        if inside and limits.least[family] < wanted[family] < limits.most[family] and gate[family] > _TINY:
            unit = wanted[family] / gate[family]
    return unit


@tight
def _has_room(share: float, rest: float, least: float, most: float) -> bool:
    return share < most - _TINY if rest > 0 else share > least + _TINY

"""Bounds on the gate: no family's share of a slate below or above what the config allows.

The families' weights are scaled so that their shares of the present slate come to lie within the bounds, and
the candidates are ranked again; since that changes the slate, it is done twice.
"""

from typing import NamedTuple

from streamproc.config import Config
from streamproc.engine import ranking, reasons, scoring
from streamproc.engine.model import Model
from streamproc.engine.ranking import Slate
from streamproc.engine.scratch import Scratch
from streamproc_models import fusion
from streamproc_models.arrays import F32
from streamproc_models.kernel import inlined, tight

ROUNDS = 2
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
    """Scores `s` again where the slate that they give would break a bound."""
    for _ in range(ROUNDS):
        k = ranking.choose(m, s, slate)
        reasons.explain(m, s, slate, k, votes)
        if not _rescale(s.weights, slate.gate, limits):
            return
        scoring.add_up(m.pool, s, m.lasting[0] > 0)


@tight
def _rescale(weights: F32, gate: F32, limits: Bounds) -> bool:
    """Whether weights had to change: bound families get their bound, the others share the rest as before."""
    bound, free = 0.0, 0.0
    for family in range(3):
        wanted = min(max(gate[family], limits.least[family]), limits.most[family])
        bound += wanted if wanted != gate[family] else 0.0
        free += gate[family] if wanted == gate[family] else 0.0
    if bound == 0.0 or free <= _TINY or bound >= 1.0:
        return False
    unit = free / (1.0 - bound)
    for f in range(fusion.FEATURES):
        family = reasons.FAMILY_OF[f]
        wanted = min(max(gate[family], limits.least[family]), limits.most[family])
        if wanted != gate[family]:
            weights[f] *= wanted * unit / max(gate[family], _TINY)
    return True

"""The learned mixture of all heads: a conditional logit over features of the candidates.

    p(j) = exp(s_j) / sum_c exp(s_c),   s_j = (w_all + w_history + w_session + w_evidence) . x_j
One row of weights for everybody, and one for each length of history, place in the session and amount of
evidence, learned online from every event whose item was a candidate by its gradient
    g = x_target - E[x]   (McFadden, 1974)
A target that is no candidate teaches nothing: putting it in by force makes the ranking worse. Two learners go
side by side on the same features: online Newton steps (`newton`) and, as the safe twin, Adagrad.
"""

from typing import NamedTuple

import numpy as np

from streamproc_models import adagrad, newton
from streamproc_models.arrays import F32, F64, I32
from streamproc_models.kernel import tight

# Features, ordered by how many of the candidates have them: all, the followers of the last item, the window.
COVISITATION, COVISITATION_ROOT, COVISITATION_RAW, COVISITATION_RAW_LAST = 0, 1, 2, 3
SECOND_ORDER, SECOND_ORDER_ROOT, SESSION, SESSION_ROOT, SESSION_LIFT = 4, 5, 6, 7, 8
LONG_TERM, LONG_TERM_NEAR, LONG_TERM_LOG, LONG_TERM_ROOT = 9, 10, 11, 12
POPULARITY_SHORT, POPULARITY_MEDIUM, POPULARITY_LONG, AGE, IDLE, BIAS = 13, 14, 15, 16, 17, 18
FACTORS, FACTORS_ROOT, GRU, GRU_ROOT, ENCODER, ENCODER_ROOT = 19, 20, 21, 22, 23, 24
MARKOV, MARKOV_ROOT = 25, 26
RECENCY, REPEATS, IN_WINDOW, IS_LAST, TIMING = 27, 28, 29, 30, 31
FEATURES = 45
LONG_TERM_FIRST, LONG_TERM_LAST = LONG_TERM, LONG_TERM_ROOT  # there only once a generation serves
POOL_FIRST, POOL_LAST = LONG_TERM, ENCODER_ROOT  # what an item can have without any link to the window
# The curvature's rows and columns: what may be switched off, or not there yet, is last and costs nothing.
ORDER = np.array(
    [
        *range(COVISITATION, SECOND_ORDER), *range(POPULARITY_SHORT, BIAS), *range(MARKOV, FEATURES),
        FACTORS, FACTORS_ROOT, GRU, GRU_ROOT, BIAS, SECOND_ORDER, SECOND_ORDER_ROOT,
        SESSION, SESSION_ROOT, SESSION_LIFT, *range(LONG_TERM, POPULARITY_SHORT), ENCODER, ENCODER_ROOT,
    ],
    np.int64,
)  # fmt: skip
NAMES = (
    "covisitation_log", "covisitation_root", "covisitation_raw", "covisitation_raw_last",
    "second_order_log", "second_order_root", "session_log", "session_root", "session_lift",
    "long_term", "long_term_near", "long_term_log", "long_term_root",
    "popularity_short", "popularity_medium", "popularity_long", "popularity_age", "popularity_idle", "bias",
    "factors", "factors_root", "gru", "gru_root", "encoder", "encoder_root",
    "markov_log", "markov_root",
    "history_recency", "history_repeats", "history_in_window", "history_is_last",
    "history_6_hours", "history_36_hours", "history_5_days", "history_12_days", "history_25_days",
    "history_60_days", "history_longer", "history_in_session", "history_session_count",
    "history_interval", "history_interval_known", "history_sessions", "history_sessions_share",
    "history_previous_session",
)  # fmt: skip
EVERYBODY, HISTORY, SESSION_PLACE, EVIDENCE = 0, 1, 5, 9  # first rows of weights of each kind
ROWS = 13
ACTIVE = 4  # rows that hold for one user: everybody's, and one of each kind
BUCKETS = (
    "everybody", "history_0_1", "history_2_4", "history_5_19", "history_20_up",
    "session_begins", "session_1", "session_2_5", "session_6_up",
    "evidence_0", "evidence_1_4", "evidence_5_29", "evidence_30_up",
)  # fmt: skip


class Fusion(NamedTuple):
    """Both learners' state; rows of weights as BUCKETS names them."""

    weights: F32  # (13, features), the Newton learner's
    inverse: F64  # (13, features, features), its inverse curvature, in ORDER
    resets: F64  # (13,), times a row's curvature was started anew
    twin: F32  # (13, features), Adagrad's weights
    squares: F32  # (13, features), its sums of squared gradients
    mask: F32  # (features,), 1; 0 for a feature that stays out


def empty(off: frozenset[str] = frozenset()) -> Fusion:
    """Starts as plain co-visitation; features whose name begins with a name in `off` stay out."""
    mask = np.array([not name.startswith(tuple(off)) for name in NAMES], np.float32)
    weights = np.zeros((ROWS, FEATURES), np.float32)
    weights[EVERYBODY, COVISITATION] = mask[COVISITATION]
    return Fusion(
        weights, newton.start(ROWS, FEATURES), np.zeros(ROWS),
        weights.copy(), adagrad.start(ROWS, FEATURES), mask,
    )  # fmt: skip


def copy(fusion: Fusion) -> Fusion:
    """The same state in arrays of its own."""
    return fusion._replace(**{name: array.copy() for name, array in fusion._asdict().items()})


@tight
def present(mask: F32, generation: int, encoder: int) -> int:
    """The features that anybody has, a bit each: switched on, and brought by a refresh where one has to."""
    bits = 0
    for f in range(FEATURES):
        brought = True
        if LONG_TERM_FIRST <= f <= LONG_TERM_LAST:
            brought = generation > 0
        elif ENCODER <= f <= ENCODER_ROOT:
            brought = encoder > 0
        bits |= int(brought and mask[f] > 0) << f
    return bits


@tight
def has(bits: int, feature: int) -> bool:
    """Whether it is among the features of `present`."""
    return (bits >> feature) & 1 == 1


@tight
def place(history: int, in_session: int, evidence: float, out: I32) -> None:
    """Fills `out` (4,) with the rows of weights that hold for a window.

    `history` counts its items, `in_session` those of the present session, `evidence` events after its last.
    """
    out[0] = EVERYBODY
    out[1] = HISTORY + _grade(history, 2, 5, 20)
    out[2] = SESSION_PLACE + _grade(in_session, 1, 2, 6)
    out[3] = EVIDENCE + _grade(evidence, 1, 5, 30)


@tight
def _grade(value: float, first: int, second: int, third: int) -> int:
    if value < first:
        return 0
    if value < second:
        return 1
    return 2 if value < third else 3


@tight
def combine(weights: F32, rows: I32, out: F32) -> None:
    """out (features,) = sum of the rows (4,) of `weights`."""
    for f in range(out.size):
        out[f] = weights[rows[0], f] + weights[rows[1], f] + weights[rows[2], f] + weights[rows[3], f]


@tight
def improve(fusion: Fusion, bits: int, rows: I32, gradient: F32, scratch: F64) -> None:
    """One Newton step of each of the rows (4,) by the features in `bits`; `scratch` (4, features)."""
    last = 0
    for p in range(ORDER.size):
        scratch[3, p] = gradient[ORDER[p]] * fusion.mask[ORDER[p]]
        last = p + 1 if has(bits, ORDER[p]) else last
    for k in range(rows.size):
        row = rows[k]
        fusion.resets[row] += newton.step(
            fusion.weights[row], fusion.inverse[row], scratch[3, :last], ORDER, scratch
        )


@tight
def improve_twin(fusion: Fusion, rows: I32, gradient: F32, rate: float) -> None:
    """One Adagrad step of each of the rows (4,)."""
    for k in range(rows.size):
        adagrad.step(fusion.twin[rows[k]], fusion.squares[rows[k]], gradient, fusion.mask, rate)

"""Why an item is on the slate: the head that gave most, the window items behind it, the families' shares."""

import numpy as np

from streamproc.engine.choosing import Slate
from streamproc.engine.model import Model
from streamproc.engine.scratch import FOLLOWERS, IN_WINDOW, LIKED, LINKED, PRESENT, Scratch
from streamproc_models import evaluation, fusion
from streamproc_models.arrays import F32, I32, Real
from streamproc_models.kernel import tight

SHORT_TERM, LONG_TERM, POPULAR = 0, 1, 2  # families of the gate
# Feature by feature: the head it speaks for (its number among the models) and its family.
_OF = {
    "covisitation": (evaluation.COVISITATION, SHORT_TERM),
    "second_order": (evaluation.SECOND_ORDER, SHORT_TERM),
    "session": (evaluation.SESSION, SHORT_TERM),
    "long_term": (evaluation.LONG_TERM, LONG_TERM),
    "popularity": (evaluation.POPULARITY, POPULAR),
    "bias": (evaluation.POPULARITY, POPULAR),
    "factors": (evaluation.FACTORS, LONG_TERM),
    "gru": (evaluation.GRU, SHORT_TERM),
    "encoder": (evaluation.ENCODER, SHORT_TERM),
    "markov": (evaluation.MARKOV, SHORT_TERM),
    "history": (evaluation.HISTORY, SHORT_TERM),
}
_HEADS = [next(_OF[head] for head in _OF if name.startswith(head)) for name in fusion.NAMES]
HEAD_OF = np.array([head for head, _ in _HEADS], np.int8)
FAMILY_OF = np.array([family for _, family in _HEADS], np.int8)


@tight
def explain(m: Model, s: Scratch, slate: Slate, k: int, votes: int, answering: int) -> None:
    """Fills the sources, the reasons and the gate of the first k items of `slate`.

    What each head gives to each of them is in `slate.parts`.
    """
    _collect(m.pool.features, s, slate, k)
    _add_up(s, slate)
    _find_strongest(s, slate)
    fused = answering == evaluation.FUSION or answering == evaluation.TWIN
    for p in range(k):
        head = slate.strongest[p] if fused else answering
        slate.sources[p] = head
        because = slate.because[p]
        because[0], because[1] = -1, -1
        _name_window_items(m, s, slate.items[p], head, votes, because)


@tight
def _collect(dense: F32, s: Scratch, slate: Slate, k: int) -> None:
    """The features of the first k items, side by side in `slate.given`: so SIMD takes all items at once."""
    given, numbers, n = slate.given, slate.numbers, s.counts[LINKED]
    for p in range(k):
        number = numbers[p]
        first, stop, x, column = 0, _features_of(s, number), s.features, number
        if number >= n:
            first, stop, x, column = fusion.POOL_FIRST, fusion.POOL_LAST + 1, dense, number - n
        for f in range(first):
            given[f, p] = 0.0
        for f in range(first, stop):
            given[f, p] = x[f - first, column]
        for f in range(stop, fusion.FEATURES):
            given[f, p] = 0.0
    for p in range(k, numbers.size):
        given[:, p] = np.float32(0)


@tight
def _add_up(s: Scratch, slate: Slate) -> None:
    """Adds up what every head gives to the items; the gate counts sizes, whatever the sign."""
    gate = slate.gate
    slate.parts[:] = np.float32(0)
    gate[:] = np.float32(0)
    for f in range(fusion.FEATURES):
        if fusion.has(s.counts[PRESENT], f):
            gate[FAMILY_OF[f]] += _give(s.weights[f], slate.given[f], slate.parts[HEAD_OF[f]])
    total = gate[SHORT_TERM] + gate[LONG_TERM] + gate[POPULAR]
    if total > 0:
        for family in range(gate.size):
            gate[family] /= total


@tight
def _give(weight: Real, x: F32, parts: F32) -> Real:
    """parts += weight * x; returns the sum of the sizes."""
    size = np.float32(0)
    for p in range(parts.size):
        part = weight * x[p]
        parts[p] += part
        size += abs(part)
    return size


@tight
def _features_of(s: Scratch, number: int) -> int:
    """How many features a numbered candidate has: they are ordered by who has them."""
    if number < s.counts[IN_WINDOW]:
        return fusion.FEATURES
    return fusion.RECENCY if number < s.counts[FOLLOWERS] else fusion.MARKOV


@tight
def _find_strongest(s: Scratch, slate: Slate) -> None:
    """Who gives most to each item, the first of equal ones."""
    best, who = s.x, slate.strongest
    for p in range(who.size):
        best[p], who[p] = slate.parts[evaluation.POPULARITY, p], evaluation.POPULARITY
    for head in range(evaluation.POPULARITY + 1, evaluation.ENCODER + 1):
        parts, number = slate.parts[head], np.int32(head)
        for p in range(who.size):
            more = parts[p] > best[p]
            best[p] = parts[p] if more else best[p]
            who[p] = number if more else who[p]


@tight
def _name_window_items(m: Model, s: Scratch, item: int, head: int, votes: int, because: I32) -> None:
    if s.counts[LIKED] == 0 or head == evaluation.POPULARITY:
        return
    if head == evaluation.HISTORY:
        because[0] = item
    elif _of_last(head):
        because[0] = s.window[0]
    else:
        _two_closest(m, s, item, head, votes, because)


@tight
def _of_last(head: int) -> bool:
    """Whether this head goes by the last item, above all."""
    recurrent = head == evaluation.GRU or head == evaluation.ENCODER
    return recurrent or head == evaluation.MARKOV or head == evaluation.SECOND_ORDER


@tight
def _two_closest(m: Model, s: Scratch, item: int, head: int, votes: int, because: I32) -> None:
    """The window items with the largest link to `item`, each named once."""
    first, second = np.float32(0), np.float32(0)
    for d in range(min(votes, s.counts[LIKED])):
        row = s.window[d]
        link = _link(m, row, item, head) / np.float32(1 + d)
        if link > first and row != because[0]:
            because[1], second = because[0], first
            because[0], first = row, link
        elif link > second and row != because[0]:
            because[1], second = row, link


@tight
def _link(m: Model, row: int, item: int, head: int) -> np.float32:
    if head == evaluation.COVISITATION:
        return _weight(m.covisitation.neighbours[row], m.covisitation.weights[row], item)
    if head == evaluation.SESSION:
        return _weight(m.session.neighbours[row], m.session.weights[row], item)
    if head == evaluation.LONG_TERM:
        return _weight(m.long_term.neighbours[row], m.long_term.weights[row], item)
    link = np.float32(0)
    for f in range(m.factors.items.shape[1]):
        link += m.factors.items[row, f] * m.factors.items[item, f]
    return link


@tight
def _weight(names: I32, weights: F32, item: int) -> np.float32:
    found, wanted = np.float32(0), np.int32(item)
    for slot in range(names.size):  # no early exit: this way it is one SIMD pass
        found += weights[slot] if names[slot] == wanted else np.float32(0)
    return found

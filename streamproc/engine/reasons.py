"""Why an item is on the slate: the head that gave most, the window items behind it, the families' shares."""

import numpy as np

from streamproc.engine.model import Model
from streamproc.engine.ranking import Slate
from streamproc.engine.scratch import FOLLOWERS, IN_WINDOW, LIKED, LINKED, PRESENT, Scratch
from streamproc_models import evaluation, fusion
from streamproc_models.arrays import F32, I32
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
    """Fills the sources, the reasons and the gate of the first k items of `slate`."""
    parts = s.parts
    for family in range(3):
        slate.gate[family] = 0.0
    for p in range(k):
        slate.sources[p] = tell(
            m, s, slate.gate, slate.items[p], slate.numbers[p], answering, votes, parts, slate.because[p]
        )
    total = slate.gate[0] + slate.gate[1] + slate.gate[2]
    if total > 0:
        for family in range(3):
            slate.gate[family] /= total


@tight
def tell(
    m: Model,
    s: Scratch,
    gate: F32,
    item: int,
    number: int,
    answering: int,
    votes: int,
    parts: F32,
    because: I32,
) -> int:
    """The head that gave most to one item; fills `parts` and `because`, adds to the `gate`."""
    _parts(m, s, number, parts, gate)
    head = answering
    if head == evaluation.FUSION or head == evaluation.TWIN:
        head = _strongest(parts)
    because[0], because[1] = -1, -1
    _name_window_items(m, s, item, head, votes, because)
    return head


@tight
def _parts(m: Model, s: Scratch, number: int, parts: F32, gate: F32) -> None:
    """Adds up what every head gives to one item; the gate counts sizes, whatever the sign."""
    for head in range(parts.size):
        parts[head] = 0.0
    place = number - s.counts[LINKED]
    if place >= 0:
        first, stop, x, column = fusion.POOL_FIRST, fusion.POOL_LAST + 1, m.pool.features, place
    else:
        first, stop, x, column = 0, _features_of(s, number), s.features, number
    for f in range(first, stop):
        if fusion.has(s.counts[PRESENT], f):
            part = s.weights[f] * x[f - first, column]
            parts[HEAD_OF[f]] += part
            gate[FAMILY_OF[f]] += abs(part)


@tight
def _features_of(s: Scratch, number: int) -> int:
    """How many features a numbered candidate has: they are ordered by who has them."""
    if number < s.counts[IN_WINDOW]:
        return fusion.FEATURES
    return fusion.RECENCY if number < s.counts[FOLLOWERS] else fusion.MARKOV


@tight
def _strongest(parts: F32) -> int:
    best = evaluation.POPULARITY
    for head in range(evaluation.POPULARITY, evaluation.ENCODER + 1):
        if parts[head] > parts[best]:
            best = head
    return best


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

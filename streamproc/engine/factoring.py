"""Users' factors, which live in their windows: what a trainer learns, a worker follows with its own copy."""

from streamproc.engine import candidates
from streamproc.engine.model import ITEMS, TAKEN, Model
from streamproc.engine.reading import FactorRules
from streamproc.engine.scratch import LIKED, Scratch
from streamproc.engine.window_arrays import Windows
from streamproc.engine.window_kernels import load_factors, store_factors
from streamproc_models.arrays import F32, Hash
from streamproc_models.heads import factors
from streamproc_models.kernel import inlined, tight


@tight
def start_factors(w: Windows, row: int, room: F32, user: Hash) -> None:
    """A new user's vector depends on the user alone; `room` (d,) is overwritten."""
    factors.start_vector(room, user)
    store_factors(w, row, room)


@inlined
def learn(
    m: Model, w: Windows, s: Scratch, rules: FactorRules, row: int, item: int, with_items: bool
) -> None:
    """The user in `row` took `item`. A worker's items are the trainer's: there only the user moves."""
    if rules.on:
        load_factors(w, row, s.taste)
        if rules.pairwise:
            _learn_pairwise(m, s, rules, item, with_items)
        elif with_items:
            factors.learn_positive(s.taste, m.factors.items[item], rules.rate, rules.regularisation)
        store_factors(w, row, s.taste)
    factors.remember(m.factors, m.counters[TAKEN], item)
    m.counters[TAKEN] += 1


@inlined
def _learn_pairwise(m: Model, s: Scratch, rules: FactorRules, item: int, with_items: bool) -> None:
    drawn, n = s.negatives, 0
    factors.draw_negatives(m.factors, m.counters[TAKEN], m.counters[ITEMS], rules.seed, drawn)
    for k in range(drawn.size):
        other = drawn[k]
        if other != item and m.item[other] != 0 and not candidates.in_window(s, other):
            drawn[n] = other
            n += 1
    factors.learn_pairwise(
        s.taste, m.factors.items, item, drawn, n, rules.rate, rules.regularisation, s.pull, with_items
    )


@tight
def learn_dislike(m: Model, w: Windows, s: Scratch, rules: FactorRules, row: int, item: int) -> None:
    """A disliked item is the one negative of the user's last liked one."""
    if rules.on and rules.pairwise and s.counts[LIKED] > 0 and s.window[0] != item:
        load_factors(w, row, s.taste)
        s.negatives[0] = item
        factors.learn_pairwise(
            s.taste, m.factors.items, s.window[0], s.negatives, 1,
            rules.rate, rules.regularisation, s.pull, True,
        )  # fmt: skip
        store_factors(w, row, s.taste)

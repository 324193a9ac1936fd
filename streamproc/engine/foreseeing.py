"""What a ranking is going to read all over memory, asked for while there is other work."""

from streamproc.engine.model import Model
from streamproc.engine.scratch import LIKED, LINKED, PRESENT, Scratch
from streamproc_models import fusion
from streamproc_models.kernel import tight
from streamproc_models.prefetch import ask_for

VOTERS = 5  # newest items of the window


@tight
def rows(m: Model, s: Scratch) -> None:
    """The tables' rows of the newest items, which say what is linked to them."""
    for d in range(min(VOTERS, s.counts[LIKED])):
        row = s.window[d]
        ask_for(m.covisitation.neighbours, row)
        ask_for(m.covisitation.weights, row)
        if m.fusion.mask[fusion.SESSION] > 0:
            ask_for(m.session.neighbours, row)
            ask_for(m.session.weights, row)
    if s.counts[LIKED] > 0:
        ask_for(m.markov.neighbours, s.window[0])
        ask_for(m.markov.weights, s.window[0])
        ask_for(m.gru.embeddings, s.window[0])


@tight
def items(m: Model, s: Scratch) -> None:
    """The candidates' small features and vectors."""
    by_factors = fusion.has(s.counts[PRESENT], fusion.FACTORS)
    by_gru = fusion.has(s.counts[PRESENT], fusion.GRU)
    for c in range(s.counts[LINKED]):
        row = s.item[c]
        ask_for(m.features, row)
        if by_factors:
            ask_for(m.factors.items, row)
        if by_gru:
            ask_for(m.gru.embeddings, row)

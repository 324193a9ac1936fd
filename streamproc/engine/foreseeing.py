"""What a ranking is going to read all over memory, asked for while there is other work."""

from streamproc.engine.model import Model
from streamproc.engine.scratch import LIKED, LINKED, Scratch
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
        ask_for(m.session.neighbours, row)
        ask_for(m.session.weights, row)
    if s.counts[LIKED] > 0:
        ask_for(m.markov.neighbours, s.window[0])
        ask_for(m.markov.weights, s.window[0])
        ask_for(m.gru.embeddings, s.window[0])


@tight
def items(m: Model, s: Scratch) -> None:
    """The candidates' small features and vectors."""
    for c in range(s.counts[LINKED]):
        row = s.item[c]
        ask_for(m.features, row)
        ask_for(m.factors.items, row)
        ask_for(m.gru.embeddings, row)

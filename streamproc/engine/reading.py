"""How far a ranking reads the tables."""

from typing import NamedTuple

from streamproc.config import Config


class Reading(NamedTuple):
    """The numbers of the config that candidates and scores need."""

    votes: int  # newest items whose co-visitation votes
    second_order: bool
    lasting_window: int
    lasting_decay: float
    lasting_near_decay: float


def reading(config: Config) -> Reading:
    """What the config says."""
    heads = config.heads
    return Reading(
        votes=heads.covisitation.score_window,
        second_order=heads.second_order.enabled and heads.covisitation.enabled,
        lasting_window=heads.long_term.window,
        lasting_decay=heads.long_term.decay,
        lasting_near_decay=heads.long_term.near_decay,
    )

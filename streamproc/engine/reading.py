"""What the kernels need to know of the config: how far tables are read, how factors learn."""

from typing import NamedTuple

from streamproc.config import Config


class Reading(NamedTuple):
    """The numbers of the config that candidates and scores need."""

    votes: int  # newest items whose co-visitation votes
    candidates: int  # that only votes link to a window, at most
    second_order: bool
    lasting_window: int
    lasting_decay: float
    lasting_near_decay: float


class FactorRules(NamedTuple):
    """How users' and items' factors learn."""

    on: bool
    pairwise: bool  # by BPR, else by ISGD
    rate: float
    regularisation: float
    seed: int


def factor_rules(config: Config) -> FactorRules:
    """What the config says."""
    c = config.heads.factors
    return FactorRules(c.enabled, c.method == "bpr", c.rate, c.regularisation, config.seed)


def reading(config: Config) -> Reading:
    """What the config says."""
    heads = config.heads
    return Reading(
        votes=heads.covisitation.score_window,
        candidates=config.fusion.candidates,
        second_order=heads.second_order.enabled and heads.covisitation.enabled,
        lasting_window=heads.long_term.window,
        lasting_decay=heads.long_term.decay,
        lasting_near_decay=heads.long_term.near_decay,
    )

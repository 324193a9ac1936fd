"""Which signals are measured: all of them, as by default, or the few that the first learner here had."""

from benchmarks.stage import Settings

ALL: Settings = {}
FEW: Settings = {  # co-visitation, Markov, own history, popularity, factors, the GRU
    "heads": {
        name: {"enabled": False} for name in ("second_order", "session", "bias", "long_term", "encoder")
    },
    "fusion": {"every": 4, "twin_every": 16},
}
PROFILES = {"": ALL, "/few": FEW}  # what a benchmark's name ends in, and its settings

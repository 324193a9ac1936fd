"""Which signals are measured: all of them, as by default, or few, for who needs the speed more."""

from benchmarks.stage import Settings

ALL: Settings = {}
# What goes together, what follows, own history, popularity, and the GRU; fewer candidates by fewer voters.
FEW: Settings = {
    "heads": {
        **{
            name: {"enabled": False}
            for name in ("second_order", "session", "factors", "bias", "long_term", "encoder")
        },
        "covisitation": {"slots": 48, "score_window": 4},
    },
    "fusion": {"every": 4, "twin_every": 16, "candidates": 16},
}
PROFILES = {"": ALL, "/few": FEW}  # what a benchmark's name ends in, and its settings

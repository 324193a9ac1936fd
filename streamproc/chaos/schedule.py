"""Which fault comes when: a function of the seed."""

import random
from collections.abc import Sequence
from typing import NamedTuple

FAULTS = {
    "kill-worker": "SIGKILL for a worker, each in turn",
    "kill-trainer": "SIGKILL for the trainer",
    "kill-refresh": "SIGKILL for the refresh",
    "kill-broker": "SIGKILL for Kafka, started again on its folder",
    "stop-worker": "SIGSTOP for a worker until its partitions are another's, then SIGCONT",
    "stop-workers": "the same for all workers at once",
    "stop-trainer": "SIGSTOP for the trainer until a second one has taken over, then SIGCONT",
    "storm": "one more worker joins and leaves, again and again",
    "cut-short": "no connection to Kafka for one second",
    "cut-long": "no connection to Kafka for 15 s, and longer than the session timeout",
    "half-open": "connections to Kafka stay open, and nothing comes through",
    "trickle": "one byte a second comes through",
    "duplicates": "a second producer sends the newest events again, each up to five times, in any order",
    "disorder": "events of the last hour in any order",
    "skew": "events by clocks that are wrong by minutes, a day, years",
    "strangers": "fifty thousand users who come once, so that with users.max others have to be forgotten",
    "flood": "far more events at once than can be kept up with, while all workers stand still",
}
NETWORK = frozenset(("cut-short", "cut-long", "half-open", "trickle"))
MIX = (
    "kill-worker", "kill-trainer", "kill-refresh", "kill-broker", "stop-worker", "stop-trainer",
    "duplicates", "disorder", "skew",
)  # fmt: skip
QUIET_END = 0.1  # share of the events after the last fault


class Planned(NamedTuple):
    """One fault, to be injected once so many events are sent."""

    fault: str
    after: int  # events


def plan(seed: int, faults: Sequence[str], times: int, events: int) -> list[Planned]:
    """`times` faults, each of `faults` in turn in a shuffled order, at random moments of the stream."""
    chance = random.Random(seed)
    names: list[str] = []
    while len(names) < times:
        round_of = list(faults)
        chance.shuffle(round_of)
        names += round_of
    last = max(int(events * (1 - QUIET_END)), times + 1)
    moments = sorted(chance.sample(range(1, last), times))
    return [Planned(name, moment) for name, moment in zip(names, moments, strict=False)]

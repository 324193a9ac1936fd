"""Which fault comes when: a function of the seed."""

import random
from collections.abc import Sequence
from typing import NamedTuple

FAULTS = {
    "kill-worker": "SIGKILL for a worker",
    "kill-trainer": "SIGKILL for the trainer",
    "kill-refresh": "SIGKILL for the refresh",
    "kill-broker": "SIGKILL for Kafka, started again on its folder",
    "stop-worker": "SIGSTOP for a worker until its partitions are another's, then SIGCONT",
    "stop-workers": "the same for all workers at once",
    "stop-trainer": "SIGSTOP for the trainer past its time limits, then SIGCONT",
    "cut-short": "no connection to Kafka for one second",
    "cut-long": "no connection to Kafka for longer than the session timeout",
    "half-open": "connections to Kafka stay open, and nothing comes through",
    "trickle": "one byte a second comes through",
}
NETWORK = frozenset(("cut-short", "cut-long", "half-open", "trickle"))
MIX = ("kill-worker", "kill-trainer", "kill-refresh", "kill-broker", "stop-worker", "stop-trainer")
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

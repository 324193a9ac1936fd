"""What a user and an item take in a worker: the arrays for them, and what a fresh process grows by."""

import json
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.cores import Load
from benchmarks.machine import ROOT
from benchmarks.result import Figures, Goal, Result, at_most
from streamproc.config import Config

FULL, QUICK = (200_000, 200_000), (2000, 2000)  # users; items, as many as there can be by default
EVENTS = (64, 256)  # in the window of a user: a long history, and the longest there can be
USER, ITEM = 1200.0, 2000.0  # bytes each, at most; a user with 64 events


def run(quick: bool) -> Iterator[Result]:
    """Windows of made-up users, then full rows of made-up items, each in a process of its own."""
    users, items = QUICK if quick else FULL
    for events in EVENTS:
        goals = _goals(USER) if events == EVENTS[0] and not quick else ()
        yield _result(f"made-up users, {events} events each", goals, "users", users, events)
    yield _result("made-up items", () if quick else _goals(ITEM), "items", items)


def _goals(most: float) -> tuple[Goal, ...]:
    return at_most("bytes_each", most), at_most("resident_each", most)


def _result(name: str, goals: tuple[Goal, ...], what: str, *numbers: int) -> Result:
    load = Load()
    figures = _filled(what, *numbers)
    return Result("memory", name, Config(), figures, goals, load.foreign())


def _filled(what: str, *numbers: int) -> Figures:
    command = [sys.executable, "-m", "benchmarks.filling", what, *map(str, numbers)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT)
    figures: Figures = json.loads(done.stdout)
    return figures

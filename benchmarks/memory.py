"""What a user and an item take in a worker: the arrays for them, and what a fresh process grows by."""

import json
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.cores import Load
from benchmarks.machine import ROOT
from benchmarks.result import Figures, Result, at_most
from streamproc.config import Config

FULL = {"users": 200_000, "items": 50_000}
QUICK = {"users": 2000, "items": 2000}
MOST = {"users": 1200.0, "items": 2000.0}  # bytes each


def run(quick: bool) -> Iterator[Result]:
    """Full windows of made-up users, then full rows of made-up items, each in a process of its own."""
    for what, count in (QUICK if quick else FULL).items():
        load = Load()
        figures = _filled(what, count)
        goals = (at_most("bytes_per_row", MOST[what]), at_most("resident_each", MOST[what]))
        yield Result("memory", f"made-up {what}", Config(), figures, () if quick else goals, load.foreign())


def _filled(what: str, count: int) -> Figures:
    command = [sys.executable, "-m", "benchmarks.filling", what, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT)
    figures: Figures = json.loads(done.stdout)
    return figures

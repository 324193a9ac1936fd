"""Processor time: whose it was, and on which cores.

Without /proc there are no figures, and nobody is pinned.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")
IDLE, IOWAIT = 3, 4  # columns of the first line of /proc/stat


class Load:
    """From its making on: how much of the machine went to others than this process and its children."""

    def __init__(self) -> None:
        self._busy, self._total = _machine()
        self._ours = ours()

    def foreign(self) -> float | None:
        """Share of all cores; None where it cannot be known."""
        busy, total = _machine()
        if total == self._total:
            return None
        return max(0.0, (busy - self._busy - (ours() - self._ours)) / (total - self._total))


def ours() -> float:
    """Seconds of this process and of all below it, ended ones included."""
    parents = {}
    for folder in PROC.glob("[0-9]*"):
        if fields := _stat(int(folder.name)):
            parents[int(folder.name)] = int(fields[1])
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(seconds(pid) for pid in family)


def seconds(pid: int) -> float:
    """Processor time of a process and of its ended children; 0.0 for one that is gone."""
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / TICKS if fields else 0.0


def resident(pid: int) -> int:
    """Bytes of memory that a process has now; 0 for one that is gone."""
    try:
        pages = int((PROC / str(pid) / "statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def pinned(count: int) -> Iterator[None]:
    """This process and what it starts have only so many cores meanwhile."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[-count:])  # the first ones get the interrupts
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _stat(pid: int) -> list[str]:
    """The fields behind the name of a process, which may hold anything; none where it is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()
    except OSError:
        return []


def _machine() -> tuple[float, float]:
    """Seconds of all cores in use, time that a hypervisor took included, and in all."""
    try:
        first = (PROC / "stat").read_text("ascii").split("\n", 1)[0]
    except OSError:
        return 0.0, 0.0
    columns = [int(text) / TICKS for text in first.split()[1:9]]
    return sum(columns) - columns[IDLE] - columns[IOWAIT], sum(columns)

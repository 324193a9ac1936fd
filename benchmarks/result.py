"""What a benchmark found, what it should have found, and the line that says both."""

import hashlib
from datetime import UTC, datetime
from typing import Any, NamedTuple

from benchmarks import machine
from streamproc.config import Config

Figures = dict[str, float]

# Where this run kept its files and ports: no part of what was measured.
_WHERE = {"data_dir": True, "broker": True, "kafka": {"bootstrap_servers"}, "metrics": True}


class Goal(NamedTuple):
    """A figure and the limit that it has to keep."""

    figure: str
    limit: float
    at_least: bool  # else at most

    def met(self, figures: Figures) -> bool:
        """Whether the figure keeps its limit."""
        value = figures[self.figure]
        return value >= self.limit if self.at_least else value <= self.limit


class Result(NamedTuple):
    """One measurement."""

    benchmark: str
    workload: str
    config: Config
    figures: Figures
    goals: tuple[Goal, ...] = ()
    foreign_cpu: float | None = None  # share of the machine that others had meanwhile


def at_least(figure: str, limit: float) -> Goal:
    """The figure must not be lower."""
    return Goal(figure, limit, True)


def at_most(figure: str, limit: float) -> Goal:
    """The figure must not be higher."""
    return Goal(figure, limit, False)


def line(result: Result, quick: bool) -> dict[str, Any]:
    """Everything that is needed to read the figures later: machine, versions, settings, disturbances."""
    return {
        "benchmark": result.benchmark,
        "workload": result.workload,
        "quick": quick,
        "figures": {name: _rounded(value) for name, value in result.figures.items()},
        "goals": {goal.figure: _goal(goal, result.figures) for goal in result.goals},
        "foreign_cpu": result.foreign_cpu if result.foreign_cpu is None else round(result.foreign_cpu, 3),
        "config": config_hash(result.config),
        "machine": machine.machine(),
        "versions": machine.versions(),
        "revision": machine.revision(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def config_hash(config: Config) -> str:
    """Short name of the settings; the same for runs that differ only in folders and ports."""
    return hashlib.sha256(config.model_dump_json(exclude=_WHERE).encode()).hexdigest()[:12]  # type: ignore[arg-type]


def _goal(goal: Goal, figures: Figures) -> dict[str, Any]:
    return {"at_least" if goal.at_least else "at_most": goal.limit, "met": goal.met(figures)}


def _rounded(value: float) -> float:
    """Four digits at least, and no false precision behind them."""
    return value if isinstance(value, int) else float(f"{value:.4g}") if abs(value) < 1000 else round(value)

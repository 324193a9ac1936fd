"""The results at a glance."""

from collections.abc import Sequence

from rich.table import Table

from benchmarks.result import Result


def table(results: Sequence[Result]) -> Table:
    """A row for each figure, with its goal where it has one."""
    shown = Table(title="Benchmarks")
    for name in ("benchmark", "workload"):
        shown.add_column(name)
    shown.add_column("figure", no_wrap=True)
    for name in ("value", "goal"):
        shown.add_column(name, justify="right", no_wrap=True)
    for result in results:
        _add(shown, result)
    return shown


def _add(shown: Table, result: Result) -> None:
    first = (result.benchmark, result.workload)
    goals = {goal.figure: goal for goal in result.goals}
    plain = {name: value for name, value in result.figures.items() if "/" not in name}  # no details
    for name, value in plain.items():
        goal = goals.get(name)
        limit, colour = "", ""
        if goal is not None:
            limit = f"{'>=' if goal.at_least else '<='} {_short(goal.limit)}"
            colour = "green" if goal.met(result.figures) else "red"
        shown.add_row(*first, name, f"[{colour}]{_short(value)}[/]" if colour else _short(value), limit)
        first = ("", "")
    if result.foreign_cpu is not None:
        shown.add_row("", "", "[dim]CPU taken by others[/]", f"[dim]{result.foreign_cpu:.0%}[/]")
    shown.add_section()


def _short(value: float) -> str:
    return f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 1000 else f"{value:.4g}"

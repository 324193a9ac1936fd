"""A report for people."""

from rich.console import Console
from rich.table import Table

from streamproc.evaluate.refreshing import Refreshes
from streamproc.evaluate.report import Report

COLUMNS = ("recall@1", "recall@10", "recall@20", "MRR@20", "NDCG@20")


def show(report: Report, console: Console) -> None:
    """The figures of every model, and what the stream was."""
    title = f"{report.evaluated:,} of {report.events:,} events predicted, then learned"
    table = Table("model", *COLUMNS, title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    first = report.answer, "popularity"
    for name in sorted(report.models, key=lambda name: (name not in first, name)):
        figures = report.models[name]
        values = (getattr(figures, field) for field in figures.__struct_fields__)
        table.add_row(
            name, *(f"{value:.4f}" for value in values), style="bold" if name == report.answer else None
        )
    console.print(table)
    ceiling = f"ceiling: {report.candidate_recall:.1%} of the targets were candidates"
    console.print(f"{ceiling}; clock: {report.clock}", highlight=False)
    gate = ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, share in report.gate.items())
    shown = f"slates: {report.coverage:.1%} of {report.items:,} items shown, Gini {report.gini:.2f}"
    speed = f"{report.users:,} users, {report.events_per_second:,.0f} events/s, {report.seconds:.1f} s"
    console.print(f"{shown}, novelty {report.novelty:.1f} bits", highlight=False)
    if report.answer == "fusion":
        console.print(f"gate: {gate}", highlight=False)
    else:
        console.print(f"the answer is that of: {report.answer}", highlight=False)
    console.print(speed, highlight=False)
    if report.refreshes.fitted:
        console.print(_refreshes(report.refreshes), highlight=False)
    for drift in report.refreshes.drifts:
        found = f"{drift.signal} {drift.before:.3f} -> {drift.after:.3f}"
        console.print(f"drift at event {drift.event:,}: {found}", highlight=False)
    for reason, events in sorted(report.not_learned.items()):
        console.print(f"not learned: {events:,} {reason}", highlight=False)


def _refreshes(done: Refreshes) -> str:
    outcome = f"{done.promoted} promoted, {done.rejected} rejected"
    return (
        f"refreshes: {done.fitted} generations, {outcome}, in {done.seconds:.1f} s, which events/s leaves out"
    )

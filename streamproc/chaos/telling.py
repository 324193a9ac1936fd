"""A run's report for people."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamproc.chaos.report import Report


def table(report: Report) -> RenderableType:
    """Faults with their recoveries, then the counts, then the verdict."""
    return Group(_faults(report), _counts(report), _words(report))


def _faults(report: Report) -> Table:
    faults = Table("fault", "after events", "at, s", "recovered within, s", title=f"seed {report.seed}")
    for each in report.injected:
        faults.add_row(each.fault, f"{each.after:,}", f"{each.seconds:.1f}", f"{each.recovery_seconds:.1f}")
    return faults


def _counts(report: Report) -> Table:
    v = report.verdict
    counts = Table(
        "sent", "accepted", "duplicate", "late", "rejected", "lost", "twice", "wrong", "users differing"
    )
    row = (v.sent, v.accepted, v.duplicate, v.late, v.rejected, v.lost, v.twice, v.wrong, v.users_differing)
    counts.add_row(*(f"{value:,}" for value in row))
    return counts


def _words(report: Report) -> Text:
    told = "Nothing lost, nothing twice, every user right" if report.right else "Promises were broken"
    if report.digests_equal is not None:
        told += ", and the same journal gives the same model"
        told = told if report.digests_equal else "Promises were broken: the models differ"
    found = Text(told, style="green" if report.right else "bold red")
    for ending in [report.not_recovered, *report.endings] if report.not_recovered else report.endings:
        found.append(f"\n{ending}", style="default")
    return found

"""A run's report for people."""

import os
from collections.abc import Iterable, Sequence
from statistics import median

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamproc.chaos.report import Injected, Report
from streamproc.chaos.running import Settings
from streamproc.chaos.schedule import FAULTS


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
    found = Text(_verdict(report), style="green" if report.right else "bold red")
    for ending in (report.not_recovered, *report.endings):
        found.append(f"\n{ending}" if ending else "", style="default")
    return found


def _verdict(report: Report) -> str:
    if report.digests_equal is False:
        return "Promises were broken: the same journal gives another model"
    if not report.right:
        return "Promises were broken"
    more = ", and the same journal gives the same model, bit for bit" if report.digests_equal else ""
    return f"Nothing lost, nothing twice, every user right{more}"


def markdown(report: Report, settings: Settings) -> str:
    """The whole report as a page."""
    v = report.verdict
    faults = {name: [each for each in report.injected if each.fault == name] for name in FAULTS}
    kinds = [
        (name, FAULTS[name], len(some), f"{median(_took(some)):.1f}", f"{max(_took(some)):.1f}")
        for name, some in faults.items()
        if some
    ]
    events = [
        ("sent", v.sent), ("accepted", v.accepted), ("duplicate", v.duplicate), ("late", v.late),
        ("rejected", v.rejected), ("lost", v.lost), ("counted twice", v.twice), ("wrong", v.wrong),
        ("journal records behind a gap", v.broken), ("users differing", v.users_differing),
        ("acknowledged, and not in the topic", report.acknowledged_missing),
        ("dead letters missing", v.letters_missing), ("dead letters wrong", v.letters_wrong),
        ("dead letters repeated", v.letters_repeated),
    ]  # fmt: skip
    memory = [(part, *(f"{mb:,.0f}" for mb in each)) for part, each in sorted(report.memory.items())]
    single = [
        (each.fault, f"{each.after:,}", f"{each.seconds:.1f}", f"{each.recovery_seconds:.1f}")
        for each in report.injected
    ]
    return (
        "\n\n".join(
            [
                "# A run of `streamproc chaos`",
                f"`{_command(settings)}`, {os.cpu_count()} cores, {report.seconds:,.0f} s.",
                f"**{_verdict(report)}.**",
                _grid(("", "events, users or records"), [(what, f"{many:,}") for what, many in events]),
                "Seconds until what was sent after a fault was journalled (after the trainer's: published),"
                " the fault's own time included:",
                _grid(("fault", "what", "times", "median, s", "longest, s"), kinds),
                "Memory, MB:",
                _grid(("part", "warmed up", "highest", "at the end"), memory),
                *(f"- {ending}" for ending in (report.not_recovered, *report.endings) if ending),
                "Every fault:",
                _grid(("fault", "after events", "at, s", "recovered within, s"), single),
                "",
            ]
        ).rstrip("\n")
        + "\n"
    )


def _took(injected: Iterable[Injected]) -> list[float]:
    return [each.recovery_seconds for each in injected]


def _command(settings: Settings) -> str:
    """What runs the same again."""
    faults = " ".join(f"--fault {name}" for name in settings.faults)
    flags = (
        f"--seed {settings.seed} --events {settings.events} --rate {settings.rate:g} --times {settings.times}"
    )
    repeat = " --repeat" if settings.repeat else ""
    return f"streamproc chaos {flags} --workers {settings.workers} {faults}{repeat}"


def _grid(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)

"""What lies behind the totals, for people: whom the slates serve, who brings what, and how it went along."""

from collections.abc import Iterator, Mapping

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamproc.evaluate.curves import steady
from streamproc.evaluate.drawing import Line, draw
from streamproc.evaluate.paired import Difference
from streamproc.evaluate.report import Figures, Report, telling
from streamproc.evaluate.segments import Reached, Slice
from streamproc_models import evaluation

TITLES = {
    "item": {"repeat": "in the window", "new": "not in it"},
    "history": {"1": "1 event before", "2-4": "2-4 events", "5-19": "5-19 events", "20+": "20 or more"},
    "session": {"first": "session's first", "later": "session's later"},
    "popularity": {
        "1": "most popular 10%", "2": "2nd tenth", "3": "3rd tenth",
        **{str(n): f"{n}th tenth" for n in range(4, 10)}, "10": "least popular",
        "unseen": "never seen",
    },
    "since_item": {
        "<100": "seen <100 ago", "<1000": "seen <1,000 ago", "<10000": "seen <10,000 ago",
        "<100000": "seen <100,000 ago", "longer": "seen longer ago", "unseen": "never seen",
    },
    "since_own": {
        "<100": "own <100 ago", "<1000": "own <1,000 ago", "<10000": "own <10,000 ago",
        "<100000": "own <100,000 ago", "longer": "own longer ago", "unseen": "never the user's",
    },
}  # fmt: skip
HEIGHT, WIDTH = 12, 120  # of the plot in lines, and in characters at most
POPULARITY = evaluation.MODELS[evaluation.POPULARITY]
HEADS = [evaluation.MODELS[head] for head in evaluation.HEADS]


def tell(report: Report, console: Console) -> None:
    """Everything but the totals."""
    if not report.evaluated:
        return
    _curve(report, console)
    by = "recall@20 by segment of the targets; ceiling = share that were candidates"
    _print(by, _segments(report), console)
    if report.fusion_against:
        lead = f"the {report.answer}'s lead, event by event, with its standard error"
        _print(lead, _leads(report), console)
    if report.comparisons:
        _print(f"the {report.answer} in other runs, and the lead of this one", _comparisons(report), console)
    for each in report.comparisons:
        if each.only_here or each.only_there:
            alone = f"{each.only_here:,} events that only this run predicted, {each.only_there:,} only"
            console.print(f"left out: {alone} {each.name}", highlight=False)


def _print(title: str, table: Table | Text, console: Console) -> None:
    console.print(f"\n{title}", style="italic", highlight=False)
    console.print(table, highlight=False, no_wrap=True)


def best_head(models: Mapping[str, Figures] | Mapping[str, Reached]) -> str:
    """The head with the highest recall@20, popularity aside where there is another."""
    heads = [name for name in HEADS if name in models and name != POPULARITY]
    return max(heads, key=lambda name: models[name].recall_at_20, default=POPULARITY)


def _curve(report: Report, console: Console) -> None:
    if len(steady(list(report.curve), report.events)) < 2 or console.options.ascii_only:
        return
    below = f"{report.events:,} events, a point for every 5,000"
    drawn = draw(list(_lines(report)), min(console.width, WIDTH), HEIGHT, below)
    _print("recall@20 along the stream", drawn, console)


def _lines(report: Report) -> Iterator[Line]:
    figures = [point.figures for point in steady(list(report.curve), report.events)]
    x = np.array([point.first for point in steady(list(report.curve), report.events)], np.float64)
    yield Line("ceiling", x, np.array([each.candidate_recall for each in figures]), "dim")
    styles = {POPULARITY: "yellow", best_head(report.models): "green", report.answer: "cyan"}
    for name, style in styles.items():
        y = np.array([each.models[name].recall_at_20 if name in each.models else 0.0 for each in figures])
        yield Line(name, x, y, style)


def _segments(report: Report) -> Table:
    table = _table("segment", "events", "ceiling", report.answer, "MRR@20", "popular", "best head")
    for kind, parts in report.segments.items():
        for number, (name, part) in enumerate(parts.items()):
            row = _segment(TITLES[kind][name], part, report.answer)
            table.add_row(*row, end_section=number == len(parts) - 1)
    return table


def _segment(title: str, part: Slice, answer: str) -> list[str]:
    answered, head = part.models[answer], best_head(part.models)
    best = part.models[head].recall_at_20
    popularity = part.models[POPULARITY].recall_at_20
    shares = part.candidate_recall, answered.recall_at_20, answered.mrr_at_20, popularity
    told = f"{head} {_short(best)}" if best > 0 else ""
    return [title, f"{part.events:,}", *map(_short, shares), told]


def _leads(report: Report) -> Table:
    """The lead over each model of the one that answers, the smallest first."""
    table = _table("over", "events", "recall@20", "MRR@20")
    ahead = {name: report.fusion_against[name] for name in telling(report) if name in report.fusion_against}
    for name, lead in sorted(ahead.items(), key=lambda item: item[1].recall_at_20.mean):
        table.add_row(name, f"{lead.events:,}", _signed(lead.recall_at_20), _signed(lead.mrr_at_20))
    return table


def _comparisons(report: Report) -> Table:
    """This run's answer beside each of the others'."""
    table = _table("run", "recall@20", "behind by", "MRR@20", "behind by")
    here = report.models[report.answer]
    table.add_row("this", f"{here.recall_at_20:.4f}", "", f"{here.mrr_at_20:.4f}", "")
    for each in report.comparisons:
        if report.answer in each.models:
            there, lead = each.models[report.answer].there, each.models[report.answer].lead
            figures = f"{there.recall_at_20:.4f}", _signed(lead.recall_at_20)
            table.add_row(each.name, *figures, f"{there.mrr_at_20:.4f}", _signed(lead.mrr_at_20))
    return table


def _table(first: str, *numbers: str) -> Table:
    table = Table(first, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _short(share: float) -> str:
    """Three digits, without the zero that all shares begin with."""
    return f"{share:.3f}".removeprefix("0")


def _signed(difference: Difference) -> Text:
    """Bold where it is more than two standard errors away from zero."""
    certain = abs(difference.mean) > 2 * difference.standard_error
    return Text(f"{difference.mean:+.4f} ± {difference.standard_error:.4f}", "bold" if certain else "")

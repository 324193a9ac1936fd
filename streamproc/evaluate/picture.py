"""The whole story on one page, as a PNG."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from streamproc.evaluate.curves import Point, steady
from streamproc.evaluate.report import Report, telling
from streamproc.evaluate.segments import FAMILIES
from streamproc_models import evaluation

INCHES, DOTS = (13.0, 9.0), 120  # of the page, and per inch
_COLOURS = {name: f"C{number}" for number, name in enumerate(evaluation.MODELS)}
_FAMILY_COLOURS = ("#4878a8", "#e1a95f", "#9aa5a0")


def paint(report: Report, path: Path) -> None:
    """Writes the page; needs no screen."""
    figure = Figure(figsize=INCHES, dpi=DOTS, layout="constrained")
    axes = figure.subplots(2, 2)
    points, names = steady(list(report.curve), report.events), telling(report)
    recall, mrr, gate, leads = axes.flat
    recall.plot(*_xy(points, [point.figures.candidate_recall for point in points]), "k:", label="ceiling")
    for axis, field, title in ((recall, "recall_at_20", "recall@20"), (mrr, "mrr_at_20", "MRR@20")):
        _curves(axis, points, names, field, f"{title}, per 5,000 events", report.answer)
    _gate(gate, points)
    _leads(leads, report, names)
    handles, labels = recall.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    told = f"{report.evaluated:,} of {report.events:,} events predicted, then learned"
    figure.suptitle(f"{told}; clock: {report.clock}")
    figure.savefig(path, format="png")


def _xy(points: list[Point], values: list[float]) -> tuple[list[int], list[float]]:
    return [point.first for point in points], values


def _curves(axis: Axes, points: list[Point], names: list[str], field: str, title: str, answer: str) -> None:
    for name in names:
        shown = [point for point in points if name in point.figures.models]
        if not shown:
            continue
        y = [getattr(point.figures.models[name], field) for point in shown]
        width, alone = 2.8 if name == answer else 1.2, "o" if len(shown) == 1 else None
        axis.plot(*_xy(shown, y), color=_COLOURS[name], linewidth=width, marker=alone, label=name)
    _dress(axis, title)


def _gate(axis: Axes, points: list[Point]) -> None:
    x = [point.first for point in points]
    shares = [[point.figures.gate[family] for point in points] for family in FAMILIES]
    labels = [family.replace("_", " ") for family in FAMILIES]
    axis.stackplot(x, *shares, labels=labels, colors=_FAMILY_COLOURS)
    _dress(axis, "gate: what the slates' scores are made of")
    axis.set_ylim(0, 1)
    axis.legend(fontsize="small", loc="lower left")


def _dress(axis: Axes, title: str) -> None:
    axis.set_title(title)
    axis.set_xlabel("events")
    axis.set_ylim(bottom=0)
    axis.margins(x=0)
    axis.grid(alpha=0.3)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _leads(axis: Axes, report: Report, names: list[str]) -> None:
    """Two standard errors either way: a bar that does not reach zero is no accident."""
    others = [name for name in names if name in report.fusion_against]
    others.sort(key=lambda name: -report.fusion_against[name].recall_at_20.mean)
    for row, (field, title) in enumerate((("recall_at_20", "recall@20"), ("mrr_at_20", "MRR@20"))):
        leads = [getattr(report.fusion_against[name], field) for name in others]
        places = [number + 0.2 * (1 - 2 * row) for number in range(len(leads))]
        errors = [2 * lead.standard_error for lead in leads]
        means, colour = [lead.mean for lead in leads], ("0.35", "0.7")[row]
        axis.barh(places, means, 0.36, xerr=errors, capsize=3, ecolor="C3", label=title, color=colour)
    axis.set_yticks(range(len(others)), others)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_title(f"the {report.answer}'s lead, with two standard errors")
    axis.legend(fontsize="small", loc="upper right")

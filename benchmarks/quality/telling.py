"""An evaluation as the figures of a line; what is a detail has a / in its name."""

from benchmarks.result import Figures
from streamproc.evaluate.paired import Paired, compare
from streamproc.evaluate.report import Report, telling
from streamproc.evaluate.run import Measured
from streamproc.evaluate.segments import Slice

KINDS = ("since_item", "since_own")  # the segments that tell whether it forgets
WITHOUT = "without refreshes"


def told(measured: Measured) -> Figures:
    """Everything that the page shows of one pass."""
    report, fusion = measured.report, measured.report.models.get("fusion")
    figures: Figures = {
        "events": report.events, "evaluated": report.evaluated, "users": report.users, "items": report.items,
        "recall_at_20": fusion.recall_at_20 if fusion else 0.0,
        "mrr_at_20": fusion.mrr_at_20 if fusion else 0.0,
        "candidate_recall": report.candidate_recall,
        "events_per_second": report.events_per_second, "seconds": report.seconds,
        "fitted": report.refreshes.fitted, "promoted": report.refreshes.promoted,
        "rejected": report.refreshes.rejected, "refresh_seconds": report.refreshes.seconds,
    }  # fmt: skip
    return figures | _models(report) | _leads(report) | _absences(report)


def against(refreshed: Measured, plain: Measured) -> Figures:
    """What the refreshes brought the fusion, event by event."""
    found = compare(WITHOUT, refreshed.predictions, plain.predictions).models
    return _lead("refresh", found["fusion"].lead) if "fusion" in found else {}


def _models(report: Report) -> Figures:
    return {
        f"model/{name}/{figure}": getattr(report.models[name], figure)
        for name in telling(report)
        for figure in ("recall_at_1", "recall_at_10", "recall_at_20", "mrr_at_20")
    }


def _leads(report: Report) -> Figures:
    found: Figures = {}
    for name, lead in report.fusion_against.items():
        if name in telling(report):
            found |= _lead(name, lead)
    return found


def _lead(name: str, lead: Paired) -> Figures:
    found: Figures = {f"lead/{name}/events": lead.events}
    for figure, value in (("recall_at_20", lead.recall_at_20), ("mrr_at_20", lead.mrr_at_20)):
        found |= {f"lead/{name}/{figure}": value.mean, f"lead/{name}/{figure}_error": value.standard_error}
    return found


def _absences(report: Report) -> Figures:
    found: Figures = {}
    for kind in KINDS:
        for name, part in report.segments.get(kind, {}).items():
            found |= _part(f"{kind}/{name}", part)
    return found


def _part(name: str, part: Slice) -> Figures:
    fusion = part.models["fusion"]
    return {
        f"{name}/events": part.events,
        f"{name}/candidate_recall": part.candidate_recall,
        f"{name}/recall_at_20": fusion.recall_at_20,
        f"{name}/mrr_at_20": fusion.mrr_at_20,
    }

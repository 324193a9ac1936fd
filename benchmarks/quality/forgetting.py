"""The page's section on forgetting."""

from typing import Any

from benchmarks.quality import words
from benchmarks.quality.markdown import count, share, table
from benchmarks.quality.sets import Set

Figures = dict[str, float]
Lines = dict[str, dict[str, Any]]  # of one set, by what was measured

SHOP = "simulated shop"
GROUP, SOON = 100, 20  # as in `returning`, which is too heavy to be loaded for a page
PARTS = {
    "<100": "under 100 events ago",
    "<1000": "under 1,000",
    "<10000": "under 10,000",
    "<100000": "under 100,000",
    "longer": "longer ago",
    "unseen": "never",
}
KINDS = {"since_item": "item", "since_own": "own"}
PHASES = {
    "before": "first third",
    "away": "second third: the other taste",
    "back": "last third: the old taste",
}


def section(measured: dict[str, Set], by_set: dict[str, Lines]) -> str:
    """A table for each set, and the users who come back."""
    pieces = [words.FORGETTING]
    pieces += [f"**{each.title}**\n\n{_absences(by_set[name])}" for name, each in measured.items()]
    lines = by_set.get(SHOP, {})
    if "returning" in lines:
        pieces += [words.RETURNING.format(group=GROUP, soon=SOON), _returning(lines)]
    return "\n".join(pieces)


def _absences(lines: Lines) -> str:
    figures = lines["request"]["figures"]
    plain = lines["unrefreshed"]["figures"] if "unrefreshed" in lines else {}
    rows = [
        _absence(f"{title}, {when}", f"{kind}/{part}", figures, plain)
        for kind, title in KINDS.items()
        for part, when in PARTS.items()
        if f"{kind}/{part}/events" in figures
    ]
    return table(("last taken", "events", "ceiling", "R@20", "MRR@20", "R@20 without refreshes"), rows)


def _absence(title: str, at: str, figures: Figures, plain: Figures) -> list[str]:
    names = ("candidate_recall", "recall_at_20", "mrr_at_20")
    shares = [share(figures[f"{at}/{name}"]) for name in names]
    return [title, count(figures[f"{at}/events"]), *shares, share(plain.get(f"{at}/recall_at_20"))]


def _returning(lines: Lines) -> str:
    figures = lines["returning"]["figures"]
    plain = lines["returning unrefreshed"]["figures"] if "returning unrefreshed" in lines else {}
    head = ("", "returning", "staying", "returning, without refreshes", "staying, without refreshes")
    rows = [
        [
            f"{when}, {'first events' if part == 'soon' else 'later'}",
            *(
                _reached(from_, f"{who}/{phase}/{part}")
                for from_ in (figures, plain)
                for who in ("returning", "staying")
            ),
        ]
        for phase, when in PHASES.items()
        for part in ("soon", "later")
    ]
    return table(head, rows)


def _reached(figures: Figures, at: str) -> str:
    recall = figures.get(f"{at}/recall_at_20")
    return "" if recall is None else f"{share(recall)} ± {share(figures[f'{at}/recall_at_20_error'])}"

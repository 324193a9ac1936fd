"""The page's section on who and what comes new."""

from typing import Any

from benchmarks.quality import words
from benchmarks.quality.markdown import count, share, table
from benchmarks.quality.sets import Set

Lines = dict[str, dict[str, Any]]  # of one set, by what was measured

HEAD = (
    "set", "strangers", "first slate, R@20", "most popular, R@20", "new items", "shown",
    "within 100 events", "events until shown, median", "and of nine in ten",
)  # fmt: skip


def section(measured: dict[str, Set], by_set: dict[str, Lines]) -> str:
    """A row for each set where it was measured."""
    rows = [
        _row(each.title, by_set[name]["arriving"]["figures"])
        for name, each in measured.items()
        if "arriving" in by_set[name]
    ]
    return f"{words.ARRIVING}\n{table(HEAD, rows)}" if rows else ""


def _row(title: str, figures: dict[str, float]) -> list[str]:
    waits = [figures.get(name) for name in ("events_until_shown", "events_until_shown_p90")]
    return [
        title,
        count(figures["strangers"]),
        share(figures.get("first_slate_recall_at_20")),
        share(figures.get("popularity_recall_at_20")),
        count(figures["new_items"]),
        share(figures.get("shown")),
        share(figures.get("shown_soon")),
        *("" if wait is None else count(wait) for wait in waits),
    ]

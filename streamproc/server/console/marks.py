"""What happened, as vertical lines in the curves, and the words that explain them."""

from collections.abc import Iterable
from typing import Any

from streamproc.server.console.words import named
from streamproc.server.points import Mark

KINDS = {  # kind -> colour, what it means
    "refresh": ("#8a94a6", "a new generation was fitted"),
    "promoted": ("#0f9d6e", "a generation serves"),
    "rejected": ("#c77700", "a generation was dropped"),
    "rolled_back": ("#9b5de5", "an earlier generation serves again"),
    "drift": ("#d03b3b", "the stream became another one"),
    "shed": ("#7a5c3e", "the trainer lagged: from here on it predicts a sample of the events"),
    "caught_up": ("#2f6fde", "it predicts every event again"),
}


NAMED = 8  # so many marks have room for their words; of more, the colours tell


def line(marks: Iterable[Mark]) -> dict[str, Any]:
    """ECharts' options for them; the words stand along their lines, so that close ones stay legible."""
    data, found = [], list(marks)
    for mark in found:
        colour, _ = KINDS[mark.what]
        data.append(
            {"xAxis": 1000 * mark.at, "name": named(mark.what), "lineStyle": {"color": colour},
             "label": {"color": colour}}
        )  # fmt: skip
    return {
        "symbol": "none",
        "silent": True,
        "lineStyle": {"type": "dashed", "width": 1.4},
        "label": {
            "show": len(found) <= NAMED,
            "fontSize": 10,
            "formatter": "{b}",
            "position": "insideEndTop",
        },
        "data": data,
    }


def legend() -> str:
    """One entry a kind, as HTML."""
    entries = "".join(
        f'<span class="mark"><i style="border-color:{colour}"></i><b>{named(kind)}</b>: {text}</span>'
        for kind, (colour, text) in KINDS.items()
    )
    return f'<div class="about marks">Lines in the curves: {entries}</div>'

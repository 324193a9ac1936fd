"""Options of the charts: quiet lines, the same colour for the same model everywhere."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streamproc.server.console.marks import line
from streamproc.server.console.words import named
from streamproc.server.points import Mark

SOFT = "#8a94a6"
COLOURS = {
    "fusion": "#2563eb", "popularity": "#e0852b", "covisitation": "#0f9d6e", "gru": "#5c6bc0",
    "shadow": "#64748b", "history": "#d64550", "markov": "#17a2b8", "second_order": "#7cb518",
    "session": "#c2185b", "factors": "#8d6e63", "long_term": "#9b5de5", "twin": "#90a4ae",
    "served": "#78909c", "encoder": "#6a1b9a",
    "short_term": "#2563eb", "coverage": "#2563eb", "Gini": "#e0852b", "intra-list distance": "#0f9d6e",
    "accepted": "#0f9d6e", "duplicate": "#64748b", "late": "#e0852b", "rejected": "#d64550",
}  # fmt: skip
QUIET = "Nothing to draw yet: send events,\nfor example with `streamproc simulate`."
Curve = Sequence[tuple[float, float | None]]


def lines(
    curves: Mapping[str, Curve],
    marks: Iterable[Mark] = (),
    unit: str = "",
    first: int = 3,
    area: bool = False,
) -> dict[str, Any]:
    """Curves over time; the first few are strong, the others can be picked from the legend.

    `area`: shares that add up to 1.
    """
    series: list[dict[str, Any]] = []
    for number, (name, points) in enumerate(curves.items()):
        data = [[1000 * at, value] for at, value in points]
        drawn: dict[str, Any] = {
            "name": named(name), "type": "line", "showSymbol": False, "data": data, "connectNulls": True,
            "lineStyle": {"width": 2.5 if number < first else 1.2},
            "itemStyle": {"color": COLOURS.get(name)},
        }  # fmt: skip
        if area:
            drawn |= {"stack": "all", "areaStyle": {"opacity": 0.35}}
        series.append(drawn)
    if not any(data["data"] for data in series):
        return empty()
    series[0]["markLine"] = line(marks)
    return {
        "animation": False,
        "textStyle": {"color": SOFT},
        "grid": {"left": 44, "right": 14, "top": 50 if unit else 34, "bottom": 26},
        "legend": {"top": 0, "type": "scroll", "textStyle": {"color": SOFT}, "icon": "roundRect",
                   "itemWidth": 10, "itemHeight": 10},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {"type": "time", "axisLine": {"lineStyle": {"color": SOFT}}, "splitLine": {"show": False},
                  "axisLabel": {"hideOverlap": True, "color": SOFT}, "splitNumber": 4},
        "yAxis": {"type": "value", "name": unit, "nameTextStyle": {"color": SOFT}, "scale": False,
                  "max": 1 if area else None, "axisLabel": {"color": SOFT},
                  "splitLine": {"lineStyle": {"color": SOFT, "opacity": 0.18}}},
        "series": series,
    }  # fmt: skip


def empty(text: str = QUIET) -> dict[str, Any]:
    """Words instead of a drawing: what to do so that there is one."""
    style = {"color": SOFT, "fontSize": 12, "fontWeight": "normal", "lineHeight": 18}
    return {"title": {"text": text, "left": "center", "top": "middle", "textStyle": style}, "series": []}


def bars(names: Sequence[str], values: Sequence[float], unit: str, colour: str = "#2563eb") -> dict[str, Any]:
    """One bar a name."""
    if not any(values):
        return empty()
    return {
        "animation": False,
        "textStyle": {"color": SOFT},
        "grid": {"left": 52, "right": 14, "top": 24, "bottom": 44},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {"type": "category", "data": list(names),
                  "axisLabel": {"color": SOFT, "rotate": 30 if 8 < len(names) < 15 else 0, "fontSize": 10,
                                "interval": 0}},
        "yAxis": {"type": "value", "name": unit, "nameTextStyle": {"color": SOFT},
                  "axisLabel": {"color": SOFT},
                  "splitLine": {"lineStyle": {"color": SOFT, "opacity": 0.18}}},
        "series": [{"type": "bar", "data": list(values), "itemStyle": {"color": colour, "borderRadius": 3}}],
    }  # fmt: skip


def heat(columns: Sequence[str], names: Sequence[str], values: Sequence[Sequence[float]]) -> dict[str, Any]:
    """A field of colours: one row a name, blue below zero, orange above."""
    data = [[x, y, round(value, 3)] for y, row in enumerate(values) for x, value in enumerate(row)]
    most = max((abs(value) for row in values for value in row), default=1.0) or 1.0
    return {
        "animation": False,
        "textStyle": {"color": SOFT},
        "grid": {"left": 120, "right": 14, "top": 10, "bottom": 96},
        "tooltip": {"confine": True},
        "xAxis": {"type": "category", "data": list(columns),
                  "axisLabel": {"color": SOFT, "rotate": 60, "fontSize": 10, "interval": 0}},
        "yAxis": {"type": "category", "data": list(names), "axisLabel": {"color": SOFT, "fontSize": 11}},
        "visualMap": {"min": -most, "max": most, "show": False,
                      "inRange": {"color": ["#2563eb", "rgba(138, 148, 166, 0.14)", "#e0852b"]}},
        "series": [{"type": "heatmap", "data": data}],
    }  # fmt: skip

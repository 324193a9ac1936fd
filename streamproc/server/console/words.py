"""How numbers are written, and what they mean."""

from datetime import UTC, datetime

UNKNOWN = "-"
MODELS = {  # name -> what it is
    "fusion": "all heads together, weighted by what is learned from every event",
    "popularity": "what everybody takes",
    "history": "the user's own items again",
    "markov": "what came next after the last item",
    "covisitation": "what is taken close to the last items",
    "second_order": "what goes with what goes with the last item",
    "session": "what is taken in the same session",
    "factors": "taste, as vectors of users and items",
    "gru": "the recurrent network over the user's events",
    "encoder": "the recurrent network that a refresh has trained, learning on",
    "long_term": "neighbours of the generation that serves, frozen as its refresh has fitted them",
    "twin": "the fusion's twin, which learns by Adagrad",
    "served": "whoever answers at the time",
    "shadow": "the fusion with the generation on trial",
}


def whole(value: float | None) -> str:
    """12,345."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def short(value: float | None) -> str:
    """12.3k."""
    if value is None:
        return UNKNOWN
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / (limit if unit != 'k' else 1e3):.1f}{unit}"
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}"


def share(value: float | None) -> str:
    """.123."""
    return UNKNOWN if value is None else f"{value:.3f}".replace("0.", ".", 1)


def seconds(value: float | None) -> str:
    """850 ms, 12 s, 3 min, 2 h, 4 d."""
    if value is None:
        return UNKNOWN
    if value < 1:
        return f"{1000 * value:.0f} ms"
    for size, limit, unit in ((1, 120, "s"), (60, 120, "min"), (3600, 48, "h"), (86_400, 1e9, "d")):
        if value / size < limit:
            return f"{value / size:.0f} {unit}"
    return UNKNOWN


def size(value: float | None) -> str:
    """12 MB."""
    if value is None:
        return UNKNOWN
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= limit:
            return f"{value / limit:.1f} {unit}"
    return f"{value:.0f} B"


def moment(ms: float, now_ms: float = 0.0) -> str:
    """2026-11-24 10:00:00, UTC; without the day where that is today's."""
    at, now = (datetime.fromtimestamp(each / 1000.0, UTC) for each in (ms, now_ms))
    return at.strftime("%H:%M:%S" if at.date() == now.date() else "%Y-%m-%d %H:%M:%S")


def named(model: str) -> str:
    """second order."""
    return {"gru": "GRU", "history": "own history", "covisitation": "co-visitation"}.get(
        model, model.replace("_", " ")
    )

"""The first page: is it alive, is it right, is it getting better."""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from nicegui import ui

from streamproc.server.console import curves, drawing, frame, marks
from streamproc.server.console.words import MODELS, named, seconds, share, short, whole
from streamproc.server.sampling import History, key
from streamproc.server.state import ServerState

LATELY = 300.0  # seconds
ALL_ALONG = 0.9  # share of the events between two looks
SMOOTH = 60.0  # seconds that a point of a curve is a mean over
HIDDEN = frozenset(("served", "average", "maximum"))
FIGURES = ("Events", "recall@20, lately", "Learning pays", "Above the last refresh", "Model's age",
           "Click to slate")  # fmt: skip
COLUMNS = ["model", "recall@20", "MRR@20", "events"]
QUIET = "Nothing was predicted in the last five minutes: send events, e.g. with `streamproc simulate`."
PARTS = ("worker", "trainer", "refresh", "server")
GENERATION = key("trainer", "model_generation")


class Lead(NamedTuple):
    """How much better the fusion was lately than another model, in recall@20."""

    value: float
    error: float  # standard error, as if the two were independent: too large rather than too small
    trials: float


def lead(history: History, other: str, over: float = LATELY, there: str = "") -> Lead | None:
    """Over the looks in which both were tried all along, as a shadow comes and goes. None without any.

    `there`: a gauge that was above 0 before each of these looks.
    """
    sums = [0.0] * 4  # hits and trials of ours, then of theirs
    names = [
        key("trainer", name, model=model, **more)
        for model in ("fusion", other)
        for name, more in (("prequential_hits_total", {"k": "20"}), ("prequential_trials_total", {}))
    ]
    for old, new in history.steps(over, "trainer"):
        grown = [max(new.get(name, 0.0) - old.get(name, 0.0), 0.0) for name in names]
        if there and not old.get(there):
            continue
        if grown[3] > 0 and grown[3] >= ALL_ALONG * grown[1]:
            sums = [total + more for total, more in zip(sums, grown, strict=True)]
    _, n, _, m = sums
    if n == 0 or m == 0:
        return None
    ours, theirs = sums[0] / n, sums[2] / m
    error = sqrt(ours * (1 - ours) / n + theirs * (1 - theirs) / m)
    return Lead(ours - theirs, error, n)


def build(state: ServerState, history: History) -> None:
    """The page's contents."""
    with ui.row().classes("items-center gap-2"):
        chips = {part: ui.label(part).classes("chip") for part in PARTS}
    with ui.element("div").classes("grid-cards w-full"):
        cards = [frame.figure(name) for name in FIGURES]
    with frame.card("What runs"):
        picture = ui.html("", sanitize=False).classes("w-full")
    ui.html(marks.legend(), sanitize=False).classes("w-full")
    with ui.element("div").classes("halves w-full"):
        with frame.card("recall@20"):
            recalls = frame.chart(300)
        with frame.card("MRR@20"):
            ranks = frame.chart(300)
        with frame.card("How fresh"):
            ages = frame.chart(230)
        with frame.card("Who is better than whom"):
            standing = frame.table(COLUMNS, [], QUIET)

    def look() -> None:
        _chips(history, chips)
        _figures(state, history, cards)
        picture.set_content(drawing.draw(history, state))
        _curves(history, recalls, ranks)
        _ages(history, ages)
        standing.set_content(frame.rows(COLUMNS, _standing(history), QUIET))

    frame.live(look)


def _figures(state: ServerState, history: History, cards: list[Callable[..., None]]) -> None:
    rate, recall, pays, above, fresh, answered = cards
    rate(short(history.arriving()), "per second")
    recall(share(_lately(history, "fusion")[0]), "fusion")
    _lead(pays, lead(history, "popularity"), "nothing was predicted lately")
    _lead(above, lead(history, "long_term", there=GENERATION), "no generation was promoted yet")
    age = (state.clock.now_ms() - state.synced_at) / 1000.0 if state.synced_at else None
    fresh(seconds(age), "", "" if age is None or age < 10 else "warn")
    count = history.increase(60, "worker", "event_processing_seconds_count", agent="worker")
    took = history.increase(60, "worker", "event_processing_seconds_sum", agent="worker")
    answered(seconds(took / count if count else None))


def _lead(put: Callable[..., None], found: Lead | None, without: str) -> None:
    if found is None:
        put("-", without)
        return
    clear = abs(found.value) > 2 * found.error
    tone = ("good" if found.value > 0 else "bad") if clear else "warn"
    put(f"{found.value:+.3f}", f"± {2 * found.error:.3f}, n = {whole(found.trials)}", tone)


def _chips(history: History, chips: dict[str, ui.label]) -> None:
    for part, chip in chips.items():
        tone = "good" if part == "server" else drawing.health(history, part)
        told = {"good": "ready", "warn": "starting", "bad": "not running"}[tone]
        chip.set_text(f"● {part} {told}")
        chip.classes(remove="good warn bad", add=tone)


def models(history: History) -> list[str]:
    """Those that have ever been right, the fusion and popularity first: heads may be off, or to come."""
    hits = history.newest.by("trainer", "prequential_hits_total", "model")
    tried = {model for model, count in hits.items() if count} - HIDDEN
    return [*(name for name in MODELS if name in tried), *sorted(tried - MODELS.keys())]


def _lately(history: History, model: str) -> tuple[float | None, float | None, float]:
    trials = history.increase(LATELY, "trainer", "prequential_trials_total", model=model)
    if not trials:
        return None, None, 0.0
    hits = history.increase(LATELY, "trainer", "prequential_hits_total", k="20", model=model)
    ranks = history.increase(LATELY, "trainer", "prequential_reciprocal_rank_total", model=model)
    return hits / trials, ranks / trials, trials


def _standing(history: History) -> list[list[str]]:
    found = [(model, *_lately(history, model)) for model in models(history)]
    tried = [each for each in found if each[3]]
    return [
        [named(model), share(recall), share(rank), whole(trials)]
        for model, recall, rank, trials in sorted(tried, key=lambda each: -(each[1] or 0.0))
    ]


def _curves(history: History, recalls: ui.echart, ranks: ui.echart) -> None:
    hits: dict[str, curves.Curve] = {}
    firsts: dict[str, curves.Curve] = {}
    for model in models(history):
        trials = key("trainer", "prequential_trials_total", model=model)
        hit = key("trainer", "prequential_hits_total", k="20", model=model)
        rank = key("trainer", "prequential_reciprocal_rank_total", model=model)
        hits[model], firsts[model] = (history.ratios(SMOOTH, above, trials) for above in (hit, rank))
    frame.show(recalls, curves.lines(hits, history.marks))
    frame.show(ranks, curves.lines(firsts, history.marks))


def _ages(history: History, chart: ui.echart) -> None:
    name = "recommendation_staleness_seconds_bucket"
    buckets = history.newest.by("worker", name, "le")
    edges = sorted(buckets, key=float)
    counts = [buckets[edge] for edge in edges]
    total = counts[-1] if counts else 0.0
    grown = [after - before for before, after in zip([0.0, *counts], counts, strict=False)]
    names = [f"≤ {seconds(float(edge))}" if edge != "+Inf" else "more" for edge in edges]
    shown = [(label, 100 * part / total) for label, part in zip(names, grown, strict=True) if total and part]
    parts = [round(part, 1) for _, part in shown]
    frame.show(chart, curves.bars([label for label, _ in shown], parts, "%"))

"""The model: what it has learned, how it learns, and what became of the generations."""

from collections.abc import Callable

from nicegui import ui

from streamproc.server.confirming import Confirming
from streamproc.server.console import curves, frame, marks
from streamproc.server.console.generations import GenerationsCard
from streamproc.server.console.snapshots import SnapshotsCard
from streamproc.server.console.words import UNKNOWN, named, share, whole
from streamproc.server.orders import Orders
from streamproc.server.sampling import History, key
from streamproc.server.state import ServerState
from streamproc_models import fusion

FIGURES = ("Version", "Learned to", "Generation", "Coverage", "Gini", "Novelty", "Intra-list distance")
FAMILIES = ("short_term", "long_term", "popularity")


def build(state: ServerState, history: History, orders: Orders, confirming: Confirming) -> None:
    """The page's contents."""
    with ui.element("div").classes("grid-cards w-full"):
        cards = [frame.figure(name) for name in FIGURES]
    GenerationsCard(state, history, orders, confirming).build()
    ui.html(marks.legend(), sanitize=False).classes("w-full")
    with ui.element("div").classes("halves w-full"):
        with frame.card("Loss"):
            losses = frame.chart(260)
        with frame.card("Gradient norms"):
            norms = frame.chart(260)
        with frame.card("Gate over time"):
            gate = frame.chart(260)
        with frame.card("What the slates show"):
            shown = frame.chart(260)
    with frame.card("Weights"), ui.element("div").classes("scroll"):
        weights = frame.chart(330)
        weights.style("min-width:860px")
    SnapshotsCard(state).build()

    def look() -> None:
        _figures(state, history, cards)
        frame.show(losses, curves.lines(_by_component(history, "update_loss"), history.marks))
        frame.show(norms, curves.lines(_norms(history), history.marks))
        shares = {name: _known(history, key("worker", "gate_ratio", family=name)) for name in FAMILIES}
        frame.show(gate, curves.lines(shares, history.marks, area=True))
        frame.show(shown, curves.lines(_shown(history), history.marks))
        frame.show(weights, _weights(state))

    frame.live(look)


def _figures(state: ServerState, history: History, cards: list[Callable[..., None]]) -> None:
    version, learned, generation, coverage, gini, novelty, distance = cards
    version(whole(state.view.version))
    learned(whole(state.view.learned_to), "journal offset")
    generation(whole(state.view.generation))
    coverage(share(history.value("trainer", "coverage_ratio") or None), "of the items")
    gini(
        share(history.newest.highest("worker", "popularity_gini_ratio") or None), "0 even, 1 always the same"
    )
    bits = history.newest.highest("worker", "novelty")
    novelty(f"{bits:.1f}" if bits else UNKNOWN, "bits")
    distance(
        share(history.newest.highest("worker", "intra_list_distance") or None), "0 alike, 1 nothing in common"
    )


def _shown(history: History) -> dict[str, curves.Curve]:
    """Those that are shares; novelty is in bits."""
    return {
        "coverage": _known(history, key("trainer", "coverage_ratio")),
        "Gini": _known(history, key("worker", "popularity_gini_ratio")),
        "intra-list distance": _known(history, key("worker", "intra_list_distance")),
    }


def _known(history: History, name: str) -> curves.Curve:
    """Without the zeros of before there was a slate."""
    points = history.curve(name)
    first = next((place for place, (_, value) in enumerate(points) if value), len(points))
    return points[first:]


def _by_component(history: History, name: str) -> dict[str, curves.Curve]:
    return {
        component: history.curve(key("trainer", name, component=component))
        for component in history.labels("trainer", name, "component")
    }


def _norms(history: History) -> dict[str, curves.Curve]:
    return {
        component: history.ratios(
            60.0,
            key("trainer", "gradient_norm_sum", component=component),
            key("trainer", "gradient_norm_count", component=component),
        )
        for component in history.labels("trainer", "gradient_norm_count", "component")
    }


def _weights(state: ServerState) -> dict[str, object]:
    values = state.view.model.fusion.weights
    names = [named(row) for row in fusion.BUCKETS]
    return curves.heat([named(name) for name in fusion.NAMES], names, values.tolist())

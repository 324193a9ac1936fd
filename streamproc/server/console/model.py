"""The model: what it has learned, how it learns, and what became of the generations."""

from pathlib import Path

from nicegui import ui

from streamproc.server.console import curves, frame
from streamproc.server.console.words import moment, named, share, size, whole
from streamproc.server.sampling import History, key
from streamproc.server.state import ServerState
from streamproc_models import fusion

FIGURES = ("Version", "Learned to", "Generation", "Coverage")
FAMILIES = ("short_term", "long_term", "popularity")
NO_SNAPSHOT = "None on this machine: the trainer writes one every snapshots.interval seconds of learning."
NO_DECISION = "No generation has been through its trial yet; `streamproc refresh now` fits one at once."


def build(state: ServerState, history: History) -> None:
    """The page's contents."""
    with ui.element("div").classes("grid-cards w-full"):
        version, learned, generation, coverage = (frame.figure(name) for name in FIGURES)
    with ui.element("div").classes("halves w-full"):
        with frame.card("Loss"):
            losses = frame.chart(260)
        with frame.card("Gradient norms"):
            norms = frame.chart(260)
        with frame.card("Gate over time"):
            gate = frame.chart(260)
        with frame.card("Generations"):
            decisions = frame.table(["decision", "how often"], [], NO_DECISION)
            ui.label("Fit one now: streamproc refresh now").classes("about")
    with frame.card("Weights"), ui.element("div").classes("scroll"):
        weights = frame.chart(330)
        weights.style("min-width:860px")
    with frame.card("Snapshots"):
        snapshots = frame.table(["snapshot", "written (UTC)", "size"], [], NO_SNAPSHOT)

    def look() -> None:
        version(whole(state.view.version))
        learned(whole(state.view.learned_to), "journal offset")
        generation(whole(state.view.generation))
        coverage(share(history.value("trainer", "coverage_ratio")), "of the items")
        frame.show(losses, curves.lines(_by_component(history, "update_loss"), history.marks))
        frame.show(norms, curves.lines(_norms(history), history.marks))
        shares = {name: history.curve(key("worker", "gate_ratio", family=name)) for name in FAMILIES}
        frame.show(gate, curves.lines(shares, history.marks, area=True))
        frame.show(weights, _weights(state))
        decisions.set_content(frame.rows(["decision", "how often"], _decisions(history), NO_DECISION))
        found = _snapshots(state.config.data_dir / "snapshots")
        snapshots.set_content(frame.rows(["snapshot", "written (UTC)", "size"], found, NO_SNAPSHOT))

    frame.live(look)


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


def _decisions(history: History) -> list[list[str]]:
    counts = history.newest.by("trainer", "batch_promotions_total", "result")
    return [[result, whole(count)] for result, count in sorted(counts.items()) if count]


def _snapshots(folder: Path) -> list[list[str]]:
    if not folder.is_dir():
        return []
    found = sorted(
        (path for path in folder.iterdir() if path.is_dir()), key=lambda path: -path.stat().st_mtime
    )
    return [
        [path.name, moment(1000 * path.stat().st_mtime), size(sum(f.stat().st_size for f in path.iterdir()))]
        for path in found[:10]
    ]

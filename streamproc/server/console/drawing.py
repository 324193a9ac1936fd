"""The drawing of the pipeline: boxes and arrows whose words are the figures of the moment."""

from html import escape
from typing import NamedTuple

from streamproc.server.console.words import UNKNOWN, seconds, short
from streamproc.server.sampling import History
from streamproc.server.state import ServerState

WIDE, HIGH = 128, 58
TRIGGERS = ("event", "refresh")


class Box(NamedTuple):
    """One part or topic."""

    name: str
    x: int
    y: int
    told: str
    tone: str  # good, warn, bad, or "" for a topic


class Arrow(NamedTuple):
    """From one place to another, with a word above and one below."""

    path: str
    x: int
    y: int
    above: str
    below: str


def draw(history: History, state: ServerState) -> str:
    """The whole as SVG; it scrolls sideways where the page is narrow."""
    boxes = "".join(_box(box) for box in _boxes(history, state))
    arrows = "".join(_arrow(arrow) for arrow in _arrows(history, state))
    head = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0,0 L8,4 L0,8 z" style="fill:var(--soft);stroke:none"/></marker></defs>'
    )
    about = "events to worker to journal to trainer to model to slates, with the refresh beside them"
    return (
        f'<div class="scroll"><svg class="pipeline" viewBox="0 0 1180 218" role="img" aria-label="{about}" '
        f'style="min-width:860px;width:100%">{head}{arrows}{boxes}</svg></div>'
    )


def health(history: History, part: str) -> str:
    """good, warn while it starts, bad where nobody answers."""
    ready = history.newest.highest(part, "ready")
    return "bad" if ready is None else "good" if ready else "warn"


def _boxes(history: History, state: ServerState) -> list[Box]:
    def part(name: str, x: int, y: int) -> Box:
        tone = health(history, name)
        told = {"good": "ready", "warn": "starting", "bad": "not running"}[tone]
        if name == "refresh" and tone == "good":
            states = history.newest.by("refresh", "refresh_state", "state")
            told = next((each.replace("_", " ") for each, on in states.items() if on), told)
        return Box(name, x, y, told, tone)

    items = state.view.header.items if state.view.header else 0
    return [
        Box("events", 6, 30, "topic", ""),
        part("worker", 216, 30),
        Box("journal", 426, 30, "the only truth", ""),
        part("trainer", 636, 30),
        Box("model", 846, 30, f"version {state.view.version}, {items:,} items", ""),
        Box("slates", 1046, 30, f"{len(state.slates):,} users", ""),
        part("refresh", 636, 146),
    ]


def _arrows(history: History, state: ServerState) -> list[Arrow]:
    slates = sum(history.rate(10, "worker", "recommendations_published_total", trigger=t) for t in TRIGGERS)
    learned = history.rate(10, "trainer", "prequential_trials_total", model="popularity")
    now = state.clock.now_ms()
    age = (now - state.synced_at) / 1000.0 if state.synced_at else None
    generation = f"generation {state.view.generation}" if state.view.generation else "no generation yet"
    return [
        Arrow("M134,59 L214,59", 174, 50, f"{short(history.arriving())}/s", _behind(history, "worker")),
        Arrow("M344,59 L424,59", 384, 50, "accepted", "in order"),
        Arrow("M554,59 L634,59", 594, 50, f"{short(learned)}/s", _behind(history, "trainer")),
        Arrow("M764,59 L844,59", 804, 50, "sync", f"{seconds(age)} old"),
        Arrow("M974,59 L1044,59", 1009, 50, f"{short(slates)}/s", ""),
        Arrow("M910,88 C910,128 280,128 280,90", 330, 138, "the worker ranks with it", ""),
        Arrow("M490,88 C490,175 560,175 634,175", 592, 196, "history", ""),
        Arrow("M740,146 C740,120 730,110 730,90", 830, 180, generation, ""),
    ]


def _behind(history: History, part: str) -> str:
    records = history.total(part, "consumer_lag_records")
    return f"{short(records)} behind, {seconds(history.newest.highest(part, 'consumer_lag_seconds'))}"


def _box(box: Box) -> str:
    colour = f"var(--{box.tone})" if box.tone else "var(--line)"
    right, left, y = box.x + WIDE - 13, box.x + 12, box.y
    dot = f'<circle cx="{right}" cy="{y + 14}" r="4.5" style="fill:{colour}"/>' if box.tone else ""
    dashes = "" if box.tone else ' stroke-dasharray="4 3"'
    return (
        f'<rect x="{box.x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="12"{dashes}/>{dot}'
        f'<text x="{left}" y="{y + 25}" font-size="14" font-weight="600">{escape(box.name)}</text>'
        f'<text class="soft" x="{left}" y="{y + 44}" font-size="11">{escape(box.told or UNKNOWN)}</text>'
    )


def _arrow(arrow: Arrow) -> str:
    text = (
        f'<path d="{arrow.path}" stroke-width="1.4" marker-end="url(#tip)"/>'
        f'<text x="{arrow.x}" y="{arrow.y}" font-size="12" text-anchor="middle">{escape(arrow.above)}</text>'
    )
    if arrow.below:
        text += (
            f'<text class="soft" x="{arrow.x}" y="{arrow.y + 26}" font-size="10" '
            f'text-anchor="middle">{escape(arrow.below)}</text>'
        )
    return text

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
    told: str
    tone: str  # good, warn, bad, or "" for a topic


class Arrow(NamedTuple):
    """From one place to another, and where its two words stand."""

    path: str
    x: int
    y: int  # of the first word
    apart: int  # of the second below it
    anchor: str


class Layout(NamedTuple):
    """Where all of it is drawn; the arrows in the order of their words."""

    boxes: dict[str, tuple[int, int]]
    arrows: tuple[Arrow, ...]


class Told(NamedTuple):
    """What is said in either layout."""

    boxes: list[Box]
    arrows: list[tuple[str, str]]


SIDEWAYS = Layout(
    {"events": (6, 30), "worker": (216, 30), "journal": (426, 30), "trainer": (636, 30), "model": (846, 30),
     "slates": (1046, 30), "refresh": (636, 146)},
    (
        Arrow("M134,59 L214,59", 174, 50, 26, "middle"),
        Arrow("M344,59 L424,59", 384, 50, 26, "middle"),
        Arrow("M554,59 L634,59", 594, 50, 26, "middle"),
        Arrow("M764,59 L844,59", 804, 50, 26, "middle"),
        Arrow("M974,59 L1044,59", 1009, 50, 26, "middle"),
        Arrow("M910,88 C910,128 280,128 280,90", 330, 138, 0, "middle"),
        Arrow("M490,88 C490,175 560,175 634,175", 592, 196, 0, "middle"),
        Arrow("M740,146 C740,120 730,110 730,90", 830, 180, 0, "middle"),
    ),
)  # fmt: skip
UPRIGHT = Layout(
    {"events": (24, 4), "worker": (24, 102), "journal": (24, 200), "trainer": (24, 298), "model": (24, 396),
     "slates": (24, 494), "refresh": (196, 248)},
    (
        Arrow("M88,62 L88,100", 98, 79, 14, "start"),
        Arrow("M88,160 L88,198", 98, 177, 14, "start"),
        Arrow("M88,258 L88,296", 98, 275, 14, "start"),
        Arrow("M88,356 L88,394", 98, 373, 14, "start"),
        Arrow("M88,454 L88,492", 98, 475, 0, "start"),
        Arrow("M24,425 C2,425 2,131 22,131", 162, 430, 0, "start"),
        Arrow("M152,229 C230,229 250,229 250,246", 262, 238, 0, "start"),
        Arrow("M250,306 C250,327 230,327 154,327", 324, 345, 0, "end"),
    ),
)  # fmt: skip


def draw(history: History, state: ServerState) -> str:
    """The whole as SVG, from left to right, and for narrow pages from top to bottom."""
    told = _told(history, state)
    return _svg("sideways", 1180, 218, told, SIDEWAYS) + _svg("upright", 330, 560, told, UPRIGHT)


def _svg(name: str, width: int, height: int, told: Told, layout: Layout) -> str:
    boxes = "".join(_box(box, *layout.boxes[box.name]) for box in told.boxes)
    words = zip(layout.arrows, told.arrows, strict=True)
    arrows = "".join(_arrow(arrow, name, above, below) for arrow, (above, below) in words)
    head = (
        f'<defs><marker id="tip-{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0,0 L8,4 L0,8 z" style="fill:var(--soft);stroke:none"/></marker></defs>'
    )
    about = "events to worker to journal to trainer to model to slates, with the refresh beside them"
    return (
        f'<div class="{name} scroll"><svg class="pipeline" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{about}" style="width:100%">{head}{arrows}{boxes}</svg></div>'
    )


def health(history: History, part: str) -> str:
    """good, warn while it starts, bad where nobody answers."""
    ready = history.newest.highest(part, "ready")
    return "bad" if ready is None else "good" if ready else "warn"


def _told(history: History, state: ServerState) -> Told:
    return Told(_boxes(history, state), _words(history, state))


def _boxes(history: History, state: ServerState) -> list[Box]:
    def part(name: str) -> Box:
        tone = health(history, name)
        told = {"good": "ready", "warn": "starting", "bad": "not running"}[tone]
        if name == "refresh" and tone == "good":
            states = history.newest.by("refresh", "refresh_state", "state")
            told = next((each.replace("_", " ") for each, on in states.items() if on), told)
        return Box(name, told, tone)

    items = state.view.header.items if state.view.header else 0
    return [
        Box("events", "topic", ""),
        part("worker"),
        Box("journal", "the only truth", ""),
        part("trainer"),
        Box("model", f"version {state.view.version}, {items:,} items", ""),
        Box("slates", f"{len(state.slates):,} users", ""),
        part("refresh"),
    ]


def _words(history: History, state: ServerState) -> list[tuple[str, str]]:
    slates = sum(history.rate(10, "worker", "recommendations_published_total", trigger=t) for t in TRIGGERS)
    learned = history.rate(10, "trainer", "prequential_trials_total", model="popularity")
    now = state.clock.now_ms()
    age = (now - state.synced_at) / 1000.0 if state.synced_at else None
    generation = f"generation {state.view.generation}" if state.view.generation else "no generation yet"
    return [
        (f"{short(history.arriving())}/s", _behind(history, "worker")),
        ("accepted", "in order"),
        (f"{short(learned)}/s", _behind(history, "trainer")),
        ("sync", f"{seconds(age)} old"),
        (f"{short(slates)}/s", ""),
        ("the worker ranks with it", ""),
        ("history", ""),
        (generation, ""),
    ]


def _behind(history: History, part: str) -> str:
    records = history.total(part, "consumer_lag_records")
    return f"{short(records)} behind, {seconds(history.newest.highest(part, 'consumer_lag_seconds'))}"


def _box(box: Box, x: int, y: int) -> str:
    colour = f"var(--{box.tone})" if box.tone else "var(--line)"
    right, left = x + WIDE - 13, x + 12
    dot = f'<circle cx="{right}" cy="{y + 14}" r="4.5" style="fill:{colour}"/>' if box.tone else ""
    dashes = "" if box.tone else ' stroke-dasharray="4 3"'
    return (
        f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="12"{dashes}/>{dot}'
        f'<text x="{left}" y="{y + 25}" font-size="14" font-weight="600">{escape(box.name)}</text>'
        f'<text class="soft" x="{left}" y="{y + 44}" font-size="11">{escape(box.told or UNKNOWN)}</text>'
    )


def _arrow(arrow: Arrow, layout: str, above: str, below: str) -> str:
    x, y, anchor = arrow.x, arrow.y, arrow.anchor
    text = (
        f'<path d="{arrow.path}" stroke-width="1.4" marker-end="url(#tip-{layout})"/>'
        f'<text x="{x}" y="{y}" font-size="12" text-anchor="{anchor}">{escape(above)}</text>'
    )
    if below:
        text += (
            f'<text class="soft" x="{x}" y="{y + arrow.apart}" font-size="10" '
            f'text-anchor="{anchor}">{escape(below)}</text>'
        )
    return text

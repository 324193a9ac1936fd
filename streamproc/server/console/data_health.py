"""The data: how much of it counts, and what was wrong with the rest."""

from nicegui import ui

from streamproc.errors import StreamprocError
from streamproc.server.console import curves, frame
from streamproc.server.console.words import moment, seconds, whole
from streamproc.server.letters import Letter, newest_letters
from streamproc.server.sampling import History, key
from streamproc.server.state import ServerState

OUTCOMES = ("accepted", "duplicate", "late", "rejected")
COLUMNS = ["when (UTC)", "reason", "what is wrong", "from", "bytes"]
QUIET = "No event was read yet: send some, for example with `streamproc simulate`."
CLEAN = "Nothing was set aside: every event could be used."
EVERY = 10.0  # seconds between two looks at the dead letters


def build(state: ServerState, history: History) -> None:
    """The page's contents."""
    with ui.element("div").classes("grid-cards w-full"):
        cards = [frame.figure(name.capitalize()) for name in OUTCOMES]
    with ui.element("div").classes("halves w-full"):
        with frame.card("Outcomes"):
            outcomes = frame.chart(260)
        with frame.card("Event times"):
            times = frame.chart(260)
    with frame.card("Reasons"):
        reasons = frame.table(["reason", "events"], [], CLEAN)
    with frame.card("Samples"):
        samples = frame.table(COLUMNS, [], CLEAN)

    def look() -> None:
        counts = history.newest.by("worker", "events_processed_total", "outcome")
        consumed = max(sum(counts.values()), 1.0)
        for name, put in zip(OUTCOMES, cards, strict=True):
            count = counts.get(name, 0.0)
            bad = name != "accepted" and count > 0.01 * consumed
            put(whole(count), f"{100 * count / consumed:.2f} % of all", "warn" if bad else "")
        curve = {
            name: history.rates(10.0, key("worker", "events_processed_total", agent="worker", outcome=name))
            for name in OUTCOMES
        }
        frame.show(outcomes, curves.lines(curve, unit="per second"))
        frame.show(times, _times(history))
        found = history.newest.by("worker", "dlq_records_total", "reason")
        rows = [
            [reason, whole(count)] for reason, count in sorted(found.items(), key=lambda r: -r[1]) if count
        ]
        reasons.set_content(frame.rows(["reason", "events"], rows, CLEAN if counts else QUIET))

    async def read() -> None:
        try:
            letters = await newest_letters(state.config)
        except (StreamprocError, OSError, TimeoutError) as error:
            samples.set_content(frame.rows([], [], f"The dead-letter topic cannot be read now: {error}"))
            return
        samples.set_content(
            frame.rows(COLUMNS, [_row(letter, state.clock.now_ms()) for letter in letters], CLEAN, wide=True)
        )

    frame.live(look)
    ui.timer(EVERY, read)


def _row(letter: Letter, now_ms: int) -> list[str]:
    return [moment(letter.at, now_ms), letter.reason, letter.message, letter.source, letter.beginning]


def _times(history: History) -> dict[str, object]:
    buckets = history.newest.by("worker", "event_time_lag_seconds_bucket", "le")
    edges = sorted(buckets, key=float)
    counts = [buckets[edge] for edge in edges]
    grown = [after - before for before, after in zip([0.0, *counts], counts, strict=False)]
    names = [f"≤ {seconds(float(edge))}" if edge != "+Inf" else "more" for edge in edges]
    shown = [(name, count) for name, count in zip(names, grown, strict=True) if count]
    return curves.bars([name for name, _ in shown], [count for _, count in shown], "events")

"""The machines' side: who serves what, how far behind, and how much memory it takes."""

from nicegui import ui

from streamproc.config import Config
from streamproc.server.console import curves, frame, holders
from streamproc.server.console.words import UNKNOWN, seconds, size, whole
from streamproc.server.holders import WorkerGroup
from streamproc.server.sampling import History
from streamproc.server.state import ServerState

PARTITIONS = ["partition", "behind, records", "behind, time", "newest event, age"]
PROCESSES = ["part", "memory", "processor, s", "runs for"]
MEMORY = ["part", "table", "entries", "bound", "arrays"]
NO_WORKER = "No worker answers: start one with `streamproc worker`, or everything with `streamproc up`."
PARTS = ("worker", "trainer", "refresh", "server")


def build(state: ServerState, history: History, group: WorkerGroup) -> None:
    """The page's contents."""
    with ui.element("div").classes("grid-cards w-full"):
        lag, rebalances, requests = (frame.figure(name) for name in ("Lag", "Rebalances", "Requests"))
    holders.build(state, history, group)
    with ui.element("div").classes("halves w-full"):
        with frame.card("Partitions"):
            partitions = frame.table(PARTITIONS, [], NO_WORKER)
            behind = frame.chart(240)
        with ui.element("div").classes("stack"):
            with frame.card("Processes"):
                processes = frame.table(PROCESSES, [], NO_WORKER)
            with frame.card("Memory against its bounds"):
                memory = frame.table(MEMORY, [], NO_WORKER)

    def look() -> None:
        lag(whole(history.total("worker", "consumer_lag_records")), "records")
        rebalances(whole(history.total("worker", "rebalances_total")), "changes")
        codes = history.labels("server", "http_requests_total", "code")
        routes = history.labels("server", "http_requests_total", "route")
        rate = sum(
            history.rate(10, "server", "http_requests_total", route=route, code=code)
            for route in routes
            for code in codes
        )
        requests(f"{rate:,.0f}", "per second")
        now = state.clock.now_ms() / 1000.0
        partitions.set_content(frame.rows(PARTITIONS, _partitions(history, now), NO_WORKER))
        frame.show(behind, _behind(history))
        processes.set_content(frame.rows(PROCESSES, _processes(history, now), NO_WORKER))
        memory.set_content(frame.rows(MEMORY, _memory(state.config, history), NO_WORKER))

    frame.live(look)


def _partitions(history: History, now: float) -> list[list[str]]:
    lags = history.newest.by("worker", "consumer_lag_records", "partition")
    late = history.newest.by("worker", "consumer_lag_seconds", "partition")
    newest = history.newest.by("worker", "watermark_timestamp_seconds", "partition")
    return [
        [number, whole(lag), seconds(late.get(number)),
         seconds(max(now - newest[number], 0)) if newest.get(number) else UNKNOWN]
        for number, lag in sorted(lags.items(), key=lambda entry: int(entry[0]))
    ]  # fmt: skip


def _behind(history: History) -> dict[str, object]:
    keys = sorted({name for point in history.points for name in point.values
                   if name.startswith("worker|consumer_lag_records|")})  # fmt: skip
    found = {f"partition {name.split('partition=')[1].split(',')[0]}": history.curve(name) for name in keys}
    return curves.lines(found, unit="records", first=8)


def _processes(history: History, now: float) -> list[list[str]]:
    rows = []
    for part in PARTS:
        started = history.newest.highest(part, "start_timestamp_seconds")
        if started is not None:
            resident = history.newest.total(part, "process_resident_memory_bytes")
            used = history.newest.total(part, "process_cpu_seconds_total")
            rows.append([part, size(resident), whole(used), seconds(now - started)])
    return rows


def _memory(config: Config, history: History) -> list[list[str]]:
    bounds = {"users": config.users.max, "items": config.items.max, "slates": config.server.users}
    rows = []
    for part in PARTS:
        held = history.newest.by(part, "table_bytes", "table")
        for table, entries in sorted(history.newest.by(part, "table_entries", "table").items()):
            bound = whole(bounds[table]) if table in bounds else UNKNOWN
            rows.append([part, table, whole(entries), bound, size(held.get(table))])
    return rows

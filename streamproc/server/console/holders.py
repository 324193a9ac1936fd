"""The table of the workers and their partitions on the system's page."""

from nicegui import ui

from streamproc.errors import StreamprocError
from streamproc.kafka.groups import Group
from streamproc.server.console import frame
from streamproc.server.console.words import UNKNOWN, seconds, whole
from streamproc.server.holders import EVERY, Holding, WorkerGroup, holdings
from streamproc.server.sampling import History
from streamproc.server.state import ServerState

COLUMNS = ["partition", "worker", "behind, records", "held for", "its rebalances"]
NOBODY = (
    "No worker is in the group, so nobody reads the events: start one with `streamproc worker`,"
    " or everything with `streamproc up`."
)
ASKING = "Asking the group for its workers…"
CHANGING = "The workers are sharing out the partitions anew; who holds which is known once they are done."


def build(state: ServerState, history: History, group: WorkerGroup) -> None:
    """The card."""
    with frame.card("Workers and their partitions"):
        table = frame.table(COLUMNS, [], ASKING)

    async def look() -> None:
        table.set_content(await shown(state, history, group))

    ui.timer(EVERY, look)


async def shown(state: ServerState, history: History, group: WorkerGroup) -> str:
    """The table as HTML, or a sentence on why there is none; nothing else depends on it."""
    try:
        found = await group.look()
    except StreamprocError as error:
        return frame.rows([], [], f"The group cannot be asked for its workers now: {error}")
    return told(found, history, state.config.kafka.partitions, state.clock.now_ms() / 1000.0)


def told(group: Group, history: History, partitions: int, now: float) -> str:
    """The same of a group that has answered."""
    if not group.members:
        return frame.rows(COLUMNS, [], NOBODY)
    if not any(member.partitions for member in group.members):
        return frame.rows(COLUMNS, [], CHANGING)
    found = [_row(holding, now) for holding in holdings(group, history.newest, partitions)]
    return frame.rows(COLUMNS, found, NOBODY)


def _row(holding: Holding, now: float) -> list[str]:
    if not holding.worker:
        return [str(holding.partition), "nobody", *[UNKNOWN] * 3]
    number = "none, stands by" if holding.partition is None else str(holding.partition)
    held = None if holding.since is None else max(now - holding.since, 0.0)
    return [number, holding.worker, whole(holding.lag), seconds(held), whole(holding.rebalances)]

"""The snapshots on the model's page: which there are, whether they are whole, how to go back to one."""

from pathlib import Path

from nicegui import ui

from streamproc.aside import aside
from streamproc.config import Config
from streamproc.engine.snapshots import Standing, listed
from streamproc.server.console import frame
from streamproc.server.console.words import UNKNOWN, seconds, size, whole
from streamproc.server.state import ServerState

COLUMNS = ["journal offset", "age", "events", "generation", "size", "checked", "to go back to it"]
NO_SNAPSHOT = "None on this machine: a trainer writes one into its data_dir every snapshots.interval seconds."
BACK = (
    "Going back needs the trainer stopped: stop it, run the row's command on its machine, and start it again."
    " It goes on from that snapshot and learns the journal since then once more, so it ends with the same"
    " model: this is for a snapshot that is suspected."
)
EVERY = 5.0  # seconds between two looks at the folder
Key = tuple[str, int]  # name and time: a later one may lie at the same offset
Present = list[tuple[Key, Standing]]


class SnapshotsCard:
    """What one open page shows of them."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._read: dict[Key, Standing] = {}  # of which every byte has been read

    def build(self) -> None:
        """The card."""
        with frame.card("Snapshots"):
            self._table = frame.table(COLUMNS, [], NO_SNAPSHOT)
            with ui.row().classes("items-center gap-3"):
                self._verify = ui.button("Verify all", on_click=self._verify_all)
                self._verify.props(frame.BUTTON)
                ui.label("Reads every byte of them.").classes("about")
            ui.label(BACK).classes("about")
        ui.timer(EVERY, self.look)

    async def look(self) -> None:
        """By their manifests, which are small."""
        self._show(await aside(_present, self._state.config, False))

    async def _verify_all(self) -> None:
        self._verify.disable()
        try:
            found = await aside(_present, self._state.config, True)
            self._read = dict(found)
            self._show(found)
        finally:
            self._verify.enable()

    def _show(self, found: Present) -> None:
        now = self._state.clock.now_ms()
        lines = [line(self._read.get(key, each), key in self._read, now) for key, each in found]
        self._table.set_content(frame.rows(COLUMNS, lines, NO_SNAPSHOT, wide=True))


def line(standing: Standing, read: bool, now_ms: int) -> list[str]:
    """One snapshot's row."""
    manifest = standing.manifest
    if manifest is None:
        return [standing.path.name, *[UNKNOWN] * 4, f"DAMAGED: {standing.problem}", "an older one"]
    return [
        whole(manifest.learned_to),
        seconds(max(now_ms - manifest.created_at, 0) / 1000.0),
        whole(manifest.events),
        str(manifest.generation),
        size(manifest.size),
        "every byte" if read else "its manifest",
        f"streamproc snapshot rollback {manifest.learned_to}",
    ]


def _present(config: Config, every_byte: bool) -> Present:
    """Without those that the trainer has removed while we looked."""
    found = listed(config, every_byte)
    return [((each.path.name, made), each) for each in found if (made := _made(each.path))]


def _made(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0

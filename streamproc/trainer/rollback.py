"""Back to an earlier snapshot of the trainer.

A snapshot is what the trainer has made of the journal up to an offset. To go back to one means that
the next start goes on from there and learns the journal since then once more: it ends with the same model. It
is for a snapshot that is suspected, not for events that should not have been learned.
"""

from pathlib import Path
from typing import NamedTuple

from streamproc.config import Config
from streamproc.engine import snapshots
from streamproc.engine.snapshots import Manifest, folder
from streamproc.errors import AlreadyRunning, BadSnapshot, TopicMismatch
from streamproc.exposition import running

ASIDE = "rolled-back"


class RolledBack(NamedTuple):
    """Where the next start goes on from, and what was set aside for it."""

    manifest: Manifest
    aside: list[Path]


def roll_back(config: Config, learned_to: int, journal_begin: int) -> RolledBack:
    """Set aside what is newer than the snapshot at this journal offset; repeated it changes nothing.

    Raises AlreadyRunning while a trainer works on this data folder, BadSnapshot where there is no such
    snapshot or it is damaged, TopicMismatch where the journal does not hold what would be learned again.
    """
    if (pid := running(config.data_dir, "trainer")) is not None:
        raise AlreadyRunning(
            f"a trainer works on {config.data_dir.resolve()} (process {pid})", "Stop it first"
        )
    present = snapshots.found(folder(config))
    wanted = [path for path in present if path.name.endswith(f"-{learned_to:020d}")]
    if not wanted:
        known = ", ".join(str(int(path.name.rpartition("-")[2])) for path in present) or "none"
        raise BadSnapshot(
            f"{folder(config)} has no snapshot at journal offset {learned_to}", f"It has {known}"
        )
    manifest = snapshots.verify(wanted[0])
    if learned_to < journal_begin:
        raise TopicMismatch(
            f"the snapshot ends at journal offset {learned_to}, and the journal begins at {journal_begin}:"
            " what is between could not be learned again",
            "Take a newer one",
        )
    newer = present[: present.index(wanted[0])]
    return RolledBack(manifest, [snapshots.set_aside(path, ASIDE) for path in newer])

"""Where a trainer goes on: the newest snapshot that is whole and fits, else the journal's beginning."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from streamproc.config import Config
from streamproc.contracts.journal import Reader
from streamproc.engine import snapshots, state
from streamproc.engine.learner import Learner
from streamproc.engine.snapshots import Manifest
from streamproc.errors import BadSnapshot, TopicMismatch
from streamproc.trainer.follower import Follower

logger = logging.getLogger(__name__)

Skipped = Callable[[str], None]  # told the reason


class Start(NamedTuple):
    """A follower at its place, and the snapshot it came from."""

    follower: Follower
    snapshot: Manifest | None


def folder(config: Config) -> Path:
    """Where the snapshots of this trainer lie; one folder for each prefix, since each has its own journal."""
    return config.data_dir / "snapshots" / f"{config.kafka.prefix}trainer"


def start(config: Config, journal_begin: int, published_to: int, skipped: Skipped) -> Start:
    """The state to go on from. `skipped` is told of each snapshot that is of no use.

    Raises TopicMismatch where the journal no longer holds what would have to be learned again.
    """
    for manifest, path in snapshots.newest(folder(config)):
        if manifest.learned_to > published_to:
            reason = _set_aside(manifest, path, published_to)
        elif manifest.learned_to < journal_begin:
            reason = f"it ends at journal offset {manifest.learned_to}; the journal begins at {journal_begin}"
        else:
            try:
                return Start(_load(config, manifest, path), manifest)
            except BadSnapshot as error:
                reason = str(error)
        logger.warning("snapshot %s is passed over: %s", path.name, reason)
        skipped(reason)
    if journal_begin > 0:
        raise TopicMismatch(
            f"no usable snapshot in {folder(config)}, and the journal begins at offset {journal_begin}:"
            " what was learned before is in neither",
            "Bring back a snapshot of this trainer, or start over with another kafka.prefix",
        )
    return Start(Follower(Learner(config, config.kafka.partitions), Reader(), 0), None)


def _set_aside(manifest: Manifest, path: Path, published_to: int) -> str:
    """A snapshot is only made of what was published. One ahead of that is of a journal that is no more, and
    must be out of the way before the new journal is as long as the old one was."""
    path.rename(path.with_name(f"other-journal-{manifest.created_at}-{path.name}"))
    ends = f"it ends at offset {manifest.learned_to}, the last sync at {published_to}"
    return f"it is of another journal, and set aside: {ends}"


def _load(config: Config, manifest: Manifest, path: Path) -> Follower:
    partitions = config.kafka.partitions
    if len(manifest.highest) != partitions:
        raise BadSnapshot(f"it is of {len(manifest.highest)} partitions, not {partitions}")
    learner = Learner(config, partitions)
    state.restore(learner, snapshots.load(path))
    return Follower(learner, Reader(dict(enumerate(manifest.highest))), manifest.learned_to)

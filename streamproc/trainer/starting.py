"""Where a trainer goes on: the newest snapshot that is whole and fits, else the journal's beginning."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from streamproc.config import Config
from streamproc.contracts.journal import Reader
from streamproc.contracts.topics import topics
from streamproc.engine import snapshots, state
from streamproc.engine.learner import Learner
from streamproc.engine.snapshots import Manifest, folder
from streamproc.errors import BadSnapshot, TopicMismatch
from streamproc.logs import get_logger
from streamproc.trainer.follower import Follower
from streamproc.trainer.published import Bounds

logger = get_logger(__name__)

Skipped = Callable[[str, str], None]  # told the reason as a word of metrics.UNUSABLE, and in a sentence


class Start(NamedTuple):
    """A follower at its place, and the snapshot it came from."""

    follower: Follower
    snapshot: Manifest | None


def start(config: Config, journal_begin: int, published_to: int, skipped: Skipped) -> Start:
    """The state to go on from. `skipped` is told of each snapshot that is of no use.

    What a killed writer left is cleared away. Raises TopicMismatch, naming what is missing, where the journal
    no longer holds what would have to be learned again.
    """
    snapshots.clear(folder(config))
    tried: list[str] = []

    def skip(path: Path, reason: str, text: str) -> None:
        logger.warning("a snapshot is passed over", snapshot=path.name, reason=reason, detail=text)
        tried.append(f"{path.name}: {text}")
        skipped(reason, text)

    usable = snapshots.newest(folder(config), lambda path, error: skip(path, error.reason, str(error)))
    for manifest, path in usable:
        if manifest.learned_to > published_to:
            skip(path, "other_journal", _set_aside(manifest, path, published_to))
        elif manifest.learned_to < journal_begin:
            ends = f"it ends at journal offset {manifest.learned_to}; the journal begins at {journal_begin}"
            skip(path, "too_old", ends)
        else:
            try:
                return Start(_load(config, manifest, path), manifest)
            except BadSnapshot as error:
                skip(path, error.reason, str(error))
    if journal_begin > 0:
        raise _nothing_to_go_on(config, journal_begin, tried)
    return Start(Follower(Learner(config, config.kafka.partitions), Reader(), 0), None)


def require_whole(config: Config, bounds: Bounds, published_to: int) -> None:
    """Raises TopicMismatch where the journal ends before what was published: its end has been lost."""
    if bounds.end < published_to:
        raise TopicMismatch(
            f"{topics(config).journal.name} ends at offset {bounds.end}, but what was learned up to"
            f" {published_to} is published: the records between are missing",
            "Bring back the journal, or start over with another kafka.prefix",
        )


def _nothing_to_go_on(config: Config, journal_begin: int, tried: list[str]) -> TopicMismatch:
    """`users` and `model` hold what ranking needs, not what learning goes on from."""
    why = f" ({'; '.join(tried)})" if tried else ""
    return TopicMismatch(
        f"no usable snapshot in {folder(config)}{why}, and the journal begins at offset {journal_begin}:"
        f" records 0 to {journal_begin - 1}, which were learned before, are in neither",
        "Bring back a snapshot of this trainer, or start over with another kafka.prefix",
    )


def _set_aside(manifest: Manifest, path: Path, published_to: int) -> str:
    """A snapshot is only made of what was published. One ahead of that is of a journal that is no more, and
    must be out of the way before the new journal is as long as the old one was."""
    snapshots.set_aside(path, f"other-journal-{manifest.created_at}")
    ends = f"it ends at offset {manifest.learned_to}, the last sync at {published_to}"
    return f"it is of another journal, and set aside: {ends}"


def _load(config: Config, manifest: Manifest, path: Path) -> Follower:
    partitions = config.kafka.partitions
    if len(manifest.highest) != partitions:
        raise BadSnapshot(f"it is of {len(manifest.highest)} partitions, not {partitions}", reason="layout")
    learner = Learner(config, partitions)
    state.restore(learner, snapshots.load(path))
    return Follower(learner, Reader(dict(enumerate(manifest.highest))), manifest.learned_to)

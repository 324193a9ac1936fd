"""The same journal once more, undisturbed: does it give the same model, bit for bit?"""

from collections.abc import Iterable

from threadpoolctl import threadpool_limits

from streamproc.config import Config
from streamproc.contracts.journal import Reader
from streamproc.engine import snapshots, state
from streamproc.engine.learner import Learner
from streamproc.engine.snapshots import folder
from streamproc.trainer.follower import Follower


def digest_of(config: Config, records: Iterable[tuple[int, bytes]]) -> str:
    """Of everything that one learner knows which reads the journal in one go, without Kafka."""
    follower = Follower(Learner(config, config.kafka.partitions), Reader(), 0)
    with threadpool_limits(1):
        for offset, value in records:
            follower.apply(offset, value)
        return state.digest(follower.learner)


def kept(config: Config, end: int) -> str | None:
    """The digest of the trainer's snapshot of the whole journal, None as long as there is none."""
    manifest, _ = next(snapshots.newest(folder(config)), (None, None))
    return manifest.digest if manifest is not None and manifest.learned_to == end else None

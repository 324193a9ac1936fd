"""Snapshots beside the stream: the state is copied at once, and written down in a thread."""

import asyncio
import logging
import time

import msgspec
import numpy as np

from streamproc.aside import aside
from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.engine import snapshots, state
from streamproc.engine.snapshots import Manifest
from streamproc.metrics import TrainerMetrics
from streamproc.trainer.follower import Follower
from streamproc.trainer.starting import folder

logger = logging.getLogger(__name__)


class Snapshots:
    """One at a time. A snapshot that cannot be written is told of; the next one is tried when it is due."""

    def __init__(self, config: Config, metrics: TrainerMetrics, clock: Clock) -> None:
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._last = clock.seconds()
        self._at = -1  # journal offset of the newest
        self._writing: asyncio.Future[None] | None = None

    def restarted(self, position: int) -> None:
        """The state is that of a snapshot at this journal offset, or -1 of none."""
        self._last, self._at = self._clock.seconds(), position

    @property
    def busy(self) -> bool:
        """Whether one is being written."""
        return self._writing is not None and not self._writing.done()

    def due(self, position: int) -> bool:
        """Whether it is time for one, and there is something new to keep."""
        late = self._clock.seconds() - self._last >= self._config.snapshots.interval
        return late and position > self._at and not self.busy

    def begin(self, follower: Follower, version: int) -> None:
        """Copy the state, which must be the one just published with its users, and start writing it."""
        if self.busy or follower.position <= self._at:
            return
        began = time.monotonic()
        copies = {name: np.array(array) for name, array in state.arrays(follower.learner).items()}
        logger.debug("state copied in %.3f s", time.monotonic() - began)
        manifest = Manifest(
            learned_to=follower.position,
            highest=follower.highest(self._config.kafka.partitions),
            version=version,
            events=follower.learner.events,
            generation=follower.generation,
            digest="",
            created_at=self._clock.now_ms(),
        )
        self._last, self._at = self._clock.seconds(), follower.position
        self._writing = asyncio.ensure_future(self._write(copies, manifest))

    async def finished(self, seconds: float) -> None:
        """Wait for the one under way, but not for longer than that."""
        if self._writing is not None:
            await asyncio.wait((self._writing,), timeout=seconds)

    async def _write(self, copies: state.Arrays, manifest: Manifest) -> None:
        began = time.monotonic()
        try:
            await aside(_save, self._config, copies, manifest)
        except OSError as error:
            self._metrics.snapshot_failures.labels("disk").inc()
            logger.error("no snapshot could be written to %s: %s", folder(self._config), error)
            return
        seconds, size = time.monotonic() - began, sum(array.nbytes for array in copies.values())
        self._metrics.snapshot.observe(seconds)
        self._metrics.snapshot_timestamp.labels("written").set(manifest.created_at / 1000)
        self._metrics.snapshot_bytes.set(size)
        place = f"journal offset {manifest.learned_to}, {manifest.events} events"
        logger.info("snapshot at %s: %.1f MB in %.1f s", place, size / 1e6, seconds)


def _save(config: Config, copies: state.Arrays, manifest: Manifest) -> None:
    whole = msgspec.structs.replace(manifest, digest=state.digest_of(copies))
    snapshots.save(folder(config), copies, whole, config.snapshots.keep)

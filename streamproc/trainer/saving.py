"""Snapshots beside the stream: the state is copied at once, and written down in a thread."""

import asyncio
import time
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.aside import aside
from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.engine import snapshots, state
from streamproc.engine.snapshots import Manifest, folder
from streamproc.errors import NotFinite
from streamproc.logs import get_logger
from streamproc.metrics import TrainerMetrics
from streamproc.trainer.follower import Follower
from streamproc_models.arrays import U8

logger = get_logger(__name__)

ROOM = 1.25  # of the memory that a copy takes now
OVER = 30.0  # seconds; what an earlier lease may still be writing


class Copies:
    """Memory for one copy of a state, kept for the next: to get it anew takes longer than to copy."""

    def __init__(self) -> None:
        self._memory: dict[str, U8] = {}

    def take(self, arrays: state.Arrays) -> state.Arrays:
        """Copies of all arrays; they last until the next call."""
        return {name: self._copy(name, array) for name, array in arrays.items()}

    def make_room(self, arrays: state.Arrays) -> None:
        """Get the memory for arrays that have grown a little more than these, and touch it."""
        for name, array in arrays.items():
            if self._room(name) < ROOM * array.nbytes:
                self._memory[name] = np.full(int(ROOM * ROOM * array.nbytes), 0, np.uint8)

    def _copy(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        if self._room(name) < array.nbytes:
            self._memory[name] = np.empty(array.nbytes, np.uint8)
        copy = self._memory[name][: array.nbytes].view(array.dtype).reshape(array.shape)
        np.copyto(copy, array)
        return copy

    def _room(self, name: str) -> int:
        return self._memory[name].nbytes if name in self._memory else -1


class Snapshots:
    """One at a time. A snapshot that cannot be written is told of; the next one is tried when it is due.

    Meanwhile the stream goes on, but the trainer is not ready: a restart would have to learn more again.
    """

    def __init__(self, config: Config, metrics: TrainerMetrics, clock: Clock) -> None:
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._last = clock.seconds()
        self._at = -1  # journal offset of the newest
        self._copies = Copies()
        self._writing: asyncio.Future[None] | None = None
        metrics.snapshot_interval.set(config.snapshots.interval)

    async def restarted(self, follower: Follower, position: int) -> None:
        """The state is that of a snapshot at this journal offset, or -1 of none."""
        await self.finished(OVER)
        if not self.busy:
            await aside(self._copies.make_room, state.arrays(follower.learner))
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
        copies = self._copies.take(state.arrays(follower.learner))
        manifest = Manifest(
            learned_to=follower.position,
            highest=follower.highest(self._config.kafka.partitions),
            version=version,
            events=follower.learner.events,
            generation=follower.generation,
            digest="",
            created_at=self._clock.now_ms(),
        )
        before, self._at, self._last = self._at, follower.position, self._clock.seconds()
        self._writing = asyncio.ensure_future(self._write(copies, manifest, before))

    async def finished(self, seconds: float) -> None:
        """Wait for the one under way, but not for longer than that."""
        if self._writing is not None:
            await asyncio.wait((self._writing,), timeout=seconds)

    async def _write(self, copies: state.Arrays, manifest: Manifest, before: int) -> None:
        began = time.monotonic()
        try:
            await aside(_save, self._config, copies, manifest)
            await aside(self._copies.make_room, copies)
        except OSError as error:
            self._failed("disk", error, before)
            return
        except NotFinite as error:
            self._failed("nonfinite", error, before)
            return
        self._metrics.ready.set(1)
        seconds, size = time.monotonic() - began, sum(array.nbytes for array in copies.values())
        self._metrics.snapshot.observe(seconds)
        self._metrics.snapshot_timestamp.labels("written").set(manifest.created_at / 1000)
        self._metrics.snapshot_bytes.set(size)
        logger.info(
            "a snapshot is written",
            journal_offset=manifest.learned_to,
            events=manifest.events,
            bytes=size,
            seconds=round(seconds, 2),
        )

    def _failed(self, reason: str, error: Exception, before: int) -> None:
        """Nothing new is kept: the next one may be of the same journal offset."""
        self._at = before
        self._metrics.ready.set(0)
        self._metrics.snapshot_failures.labels(reason).inc()
        place = str(folder(self._config))
        logger.error("no snapshot could be written", folder=place, reason=reason, error=error)


def _save(config: Config, copies: state.Arrays, manifest: Manifest) -> None:
    state.require_finite(copies)
    whole = msgspec.structs.replace(manifest, digest=state.digest_of(copies))
    snapshots.save(folder(config), copies, whole, config.snapshots.keep)

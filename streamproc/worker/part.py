"""The worker: what it does with the partitions of `events` that it is given."""

import asyncio
from collections.abc import Sequence

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.engine.observer import Observer
from streamproc.engine.view import ModelView
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.following import ModelFollower
from streamproc.kafka.lease import Lease, Partition, Record, Wanted
from streamproc.kernel_thread import KernelThread
from streamproc.logs import get_logger
from streamproc.metrics import WorkerMetrics
from streamproc.worker.answers import Answers
from streamproc.worker.batches import Judge
from streamproc.worker.counting import Counts
from streamproc.worker.journal import JournalWriter
from streamproc.worker.letters import LetterBox
from streamproc.worker.pacing import Pacing
from streamproc.worker.restoring import Restorer
from streamproc.worker.served import Partitions, Served
from streamproc.worker.slates import SlateSender

logger = get_logger(__name__)

MODEL_SECONDS = 30.0  # for the model that is there already, before the first partition is served


class WorkerPart:
    """Events to slates and journal; kafka.lease.Part."""

    tick = 0.0

    def __init__(self, config: Config, metrics: WorkerMetrics, clock: Clock) -> None:
        self.view = ModelView(config)
        self.partitions = Partitions()
        self.counts = Counts(config, metrics, clock)
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._kernels = KernelThread()
        observer = Observer(config, self.view)
        self._judge = Judge(config)
        self._restorer = Restorer(config, observer, self._kernels, metrics, clock)
        self._sender = SlateSender(config, metrics, clock)
        self.answers = Answers(
            config, self.view, observer, self._kernels, self.partitions, self._sender, metrics, clock
        )
        self.follower = ModelFollower(
            config, self.view, self._kernels, metrics, clock, self.answers.model_changed
        )

    async def open(self) -> None:
        """Topics and the way out for slates; before the first restore."""
        await ensure_topics(self._config)
        await self._sender.open()

    async def close(self) -> None:
        """After the last release."""
        await self.answers.close()
        await self._sender.close()
        self._kernels.close()

    async def restore(self, tp: Partition, wanted: Wanted) -> tuple[Served, int]:
        """The users of a partition as the journal leaves them, and the first event it does not cover."""
        await self._known_model()
        windows, highest = await self._restorer.restore(tp, wanted)
        journal = JournalWriter(self._config, tp.partition, highest, self._metrics, self._clock)
        await journal.open()
        pacing = Pacing(self._config.publish.min_interval, self._clock)
        served = Served(tp.partition, windows, journal, LetterBox(self._config), pacing)
        served.newest = int(windows.arrays.newest.max(initial=0))
        served.since = self._clock.now_ms()
        self.partitions.add(served)
        return served, highest + 1

    async def process(self, lease: Lease, records: Sequence[Record]) -> int:
        """Observe, set aside, journal, answer; done when dead letters and then the journal have arrived.

        What the journal covers is never read again: a letter that is still under way then would be lost
        with the process.
        """
        if not records:
            return lease.done
        began, upto = self._clock.seconds(), int(records[-1].offset)
        served: Served = lease.state
        batch = self._judge.decode(records, lease.tp.partition)
        observed = await self.answers.observe(served, batch.columns)
        decided = self._judge.decide(batch, observed.outcomes, observed.rows)
        served.newest = max(served.newest, decided.newest)
        await served.letters.send(records, decided.rejects, lease.tp)
        appended = await served.journal.begin(upto, decided.accepted)
        await self.answers.answer(served, decided.rows, observed.answered)
        await served.journal.finish(appended, upto)
        served.appended_at = records[-1].timestamp
        self.counts.batch(records, decided, self._clock.seconds() - began)
        return upto + 1

    async def release(self, lease: Lease) -> None:
        """Give the producers back, and the memory."""
        self.partitions.remove(lease.state)
        await lease.state.close()

    async def _known_model(self) -> None:
        try:
            await asyncio.wait_for(self.follower.caught_up.wait(), MODEL_SECONDS)
        except TimeoutError:
            logger.warning("serves before the whole model is read, which takes unusually long")

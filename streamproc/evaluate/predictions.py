"""Every prediction of an evaluation, as columns, gathered from the learner's trace."""

from typing import NamedTuple, Self

import numpy as np

from streamproc.contracts.columns import EventColumns
from streamproc.engine import trace
from streamproc.engine.learner import Learner
from streamproc.evaluate.absence import NEVER, Occurrences
from streamproc_models import evaluation
from streamproc_models.arrays import F32, F64, I32, I64, Bool

STEP = 5000  # events between two points of a curve
DEPTH = 20  # a target behind this place is a miss
_PARTITION = 48  # bits of a key below the partition's number


class Predictions(NamedTuple):
    """One row per evaluated event, in the order of the stream."""

    places: I32  # (n, models), 0 = first; MISS where it was no candidate, NOT_ASKED of who was not
    event: I64  # (n,), events learned before
    key: I64  # (n,), what the event is called in every run over the same stream
    history: I64  # (n,), events in the user's window
    taken: I64  # (n,), events of the target before
    opens: Bool  # (n,), first event of a session
    repeats: Bool  # (n,), the target was in the window already
    rank: F32  # (n,), share of the known items with more events than the target; of those with as many, half
    novelty: F32  # (n,), mean -log2 of the shown items' shares of all events, bits; -1 where none was shown
    gate: F32  # (n, 3), shares of short term, long term and popularity in the slate
    since_item: I64  # (n,), events since the target's last one, 1 = the one before this one; NEVER
    since_own: I64  # (n,), the same of the user's last one with the target

    def only(self, chosen: Bool | I64 | slice) -> Self:
        """Some of the rows."""
        return self._replace(**{name: column[chosen] for name, column in self._asdict().items()})

    def asked(self, model: int) -> Bool:
        """Which events the model was asked for (n,)."""
        asked: Bool = self.places[:, model] != evaluation.NOT_ASKED
        return asked

    def hits(self, model: int) -> F64:
        """1 where the model had the target among its best 20 (n,)."""
        places = self.places[:, model]
        return ((places >= 0) & (places < DEPTH)).astype(np.float64)

    def reciprocals(self, model: int) -> F64:
        """1 / (1 + place) where that is below 20, else 0 (n,)."""
        return self.hits(model) / (1.0 + np.maximum(self.places[:, model], 0))


class Weights(NamedTuple):
    """The fusion at one moment."""

    events: int  # learned before
    values: F32  # (buckets, features), everybody's and the bucket's own


class Collector:
    """Empties the trace of a learner after each micro-batch, and looks at the fusion every STEP events."""

    def __init__(self) -> None:
        self._blocks = [_block(np.zeros((0, len(evaluation.MODELS)), np.int32), _NOTHING, _NO_SHARES, 0)]
        self.weights: list[Weights] = []
        self._occurrences = Occurrences()

    def learned(self, columns: EventColumns) -> None:
        """Everything learned, in its order, predicted or not; without it nothing has been seen before."""
        self._occurrences.add(columns)

    def collect(self, learner: Learner, partition: int) -> None:
        """After a micro-batch of one source partition."""
        self._blocks.append(_block(*trace.drain(learner.trace), partition))
        if learner.events // STEP > (self.weights[-1].events if self.weights else 0) // STEP:
            self.weights.append(Weights(learner.events, learner.model.fusion.weights.copy()))

    def predictions(self) -> Predictions:
        """All so far."""
        if len(self._blocks) > 1:
            columns = zip(*self._blocks, strict=True)
            self._blocks = [Predictions(*(np.concatenate(column) for column in columns))]
        p = self._blocks[0]
        item, own = self._occurrences.absence(p.event)
        return p._replace(since_item=item, since_own=own)


_NOTHING = np.zeros((0, 7), np.int64)
_NO_SHARES = np.zeros((0, 5), np.float32)


def _block(places: I32, numbers: I64, shares: F32, partition: int) -> Predictions:
    return Predictions(
        places=places,
        event=numbers[:, trace.EVENT],
        key=numbers[:, trace.OFFSET] + (partition << _PARTITION),
        history=numbers[:, trace.HISTORY],
        taken=numbers[:, trace.TAKEN],
        opens=numbers[:, trace.OPENS] > 0,
        repeats=numbers[:, trace.REPEATS] > 0,
        rank=shares[:, trace.RANK],
        novelty=shares[:, trace.NOVELTY],
        gate=shares[:, trace.GATE : trace.GATE + 3],
        since_item=np.full(len(numbers), NEVER),
        since_own=np.full(len(numbers), NEVER),
    )

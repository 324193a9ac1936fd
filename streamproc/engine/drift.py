"""Noticing that the stream is another one than it was, and what is done about it.

Two shares are looked at, block by block: `hits`, of the predictions that were right, and `item_mix`, of the
events on those items that lately made up half of the stream. ADWIN (Bifet and Gavalda, 2007) keeps a window
over each and tells when its older part differs from its newer one; a fall by enough is a drift. It becomes a
record of the journal, and what the record says takes effect when it is read, as all decisions do.
"""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from streamproc.config import DriftConfig
from streamproc.contracts.control import Drift
from streamproc.engine.pool import REBUILD
from streamproc_models.arrays import F64, I64, U64
from streamproc_models.evaluation import AT_20, FUSION, TRIALS

if TYPE_CHECKING:
    from streamproc.engine.learner import Learner

SIGNALS: tuple[Literal["hits", "item_mix"], ...] = ("hits", "item_mix")
BLOCK = REBUILD  # events; the compiled loop stops there in any case
DRAWS = 100  # zeros and ones in which a detector is told of a block: its proof is for single draws
KEPT = 400  # newest blocks that a detector is given again after twice as many
BUCKETS = 1024  # of items, by their hashes
FADING = 0.9  # of what the stream lately was, per block
USUAL = 0.5  # share of it that the usual items make up
KNOWN = 3.0  # blocks, faded, that have to be known before a mix can be another one


class Change(NamedTuple):
    """A share before and after."""

    before: float
    after: float


class Signal:
    """One share, and the detector that watches it: a function of `shares`, which a snapshot keeps."""

    def __init__(self, delta: float) -> None:
        self.shares: list[float] = []  # of the blocks since the last change
        self._delta = delta
        self._adwin: Any = None

    @property
    def mean(self) -> float:
        """Over the detector's window; 0 where it has seen nothing."""
        return float(self._adwin.estimation) if self._adwin is not None else 0.0

    def begin(self, shares: list[float]) -> None:
        """A new detector that knows these blocks."""
        from river.drift import ADWIN  # here: slow to import, and only who learns needs it

        detector: Any = ADWIN  # untyped
        quarter = DRAWS // 4
        self._adwin = detector(self._delta, clock=quarter, min_window_length=quarter, grace_period=DRAWS)
        self.shares = []
        for share in shares:
            self._draw(share)

    def add(self, share: float) -> Change | None:
        """The next block; what has changed, if anything has."""
        if self._adwin is None or len(self.shares) == 2 * KEPT:
            self.begin(self.shares[-KEPT:])
        if not self._draw(share):
            return None
        place = _place_of_change(self.shares) if len(self.shares) > 1 else 0
        older, newer = self.shares[:place], self.shares[place:]
        self.begin(newer)
        return Change(float(np.mean(older)), float(np.mean(newer))) if older else None

    def _draw(self, share: float) -> bool:
        """Tells the detector of a block, its ones evenly among its zeros; whether it noticed a change."""
        self.shares.append(share)
        noticed = False
        for number in range(1, DRAWS + 1):
            self._adwin.update(int(number * share) - int((number - 1) * share))
            noticed = noticed or bool(self._adwin.drift_detected)
        return noticed


def _place_of_change(shares: list[float]) -> int:
    """Where the newer part most likely begins: ADWIN drops the oldest bit by bit."""
    sums, older = np.cumsum(shares), np.arange(1, len(shares))
    newer = len(shares) - older
    apart = np.abs(sums[:-1] / older - (sums[-1] - sums[:-1]) / newer)
    return 1 + int(np.argmax(apart * np.sqrt(older * newer)))


class Watch:
    """Both signals, what has been noticed and not yet been read, and the rates that are raised."""

    def __init__(self, settings: DriftConfig) -> None:
        self.signals = [Signal(settings.delta) for _ in SIGNALS]
        self.counts: I64 = np.zeros(BUCKETS, np.int64)  # events of this block
        self.lately: F64 = np.zeros(BUCKETS)  # the same of the blocks before, fading
        self.known: F64 = np.zeros(1)  # number of these blocks, fading
        self.sums: F64 = np.zeros(2)  # predictions and hits up to this block
        self.noticed: F64 = np.zeros((2, 3))  # event, before, after; event 0: nothing that is to be read yet
        self.obeyed: I64 = np.zeros(2, np.int64)  # event of the newest record that was read, by signal
        self.raised: F64 = np.array([0.0, 1.0])  # until which event, and how many times as high
        self._settings = settings
        self._told = [0, 0]  # event of the newest drift that was asked to be written down

    def see(self, items: U64) -> None:
        """Hashes of the items (n,) that events were about."""
        if self._settings.enabled:
            self.counts += np.bincount((items % np.uint64(BUCKETS)).astype(np.int64), minlength=BUCKETS)

    def end_block(self, sums: F64, event: int) -> None:
        """A block of events is over; `sums` is the prequential record, `event` the number learned so far."""
        if not self._settings.enabled:
            return
        trials, hits = float(sums[FUSION, TRIALS]), float(sums[FUSION, AT_20])
        if trials > self.sums[0]:
            share = float((hits - self.sums[1]) / (trials - self.sums[0]))
            self._look(0, min(max(share, 0.0), 1.0), event)
        self.sums[:] = trials, hits
        self._look_at_mix(event)

    def _look_at_mix(self, event: int) -> None:
        if self.known[0] >= KNOWN:
            self._look(1, float(self.counts[self._usual()].sum()) / max(int(self.counts.sum()), 1), event)
        self.lately[:] = FADING * self.lately + self.counts
        self.known[:] = FADING * self.known + 1.0
        self.counts[:] = 0

    def _usual(self) -> I64:
        """The fewest buckets that together had USUAL of what came lately."""
        order = np.argsort(-self.lately, kind="stable")
        reached = np.cumsum(self.lately[order]) >= USUAL * self.lately.sum()
        return order[: int(np.argmax(reached)) + 1]

    def _look(self, number: int, share: float, event: int) -> None:
        change = self.signals[number].add(share)
        if change is not None and change.after < (1.0 - self._settings.least) * change.before:
            self.noticed[number] = event, *change

    def undecided(self) -> list[Drift]:
        """What has to be written into the journal; says so once."""
        found = []
        for number, (event, before, after) in enumerate(self.noticed.tolist()):
            if event > self._told[number]:
                self._told[number] = int(event)
                found.append(self._record(number, int(event), before, after))
        return found

    def _record(self, number: int, event: int, before: float, after: float) -> Drift:
        """With what the configuration wants done; only where predictions fail is what is known worth less."""
        wanted, failing = self._settings, number == 0
        return Drift(
            SIGNALS[number], event, before, after,
            wanted.refresh,
            wanted.discount if failing else 1.0,
            wanted.rate if failing else 1.0,
            wanted.events if failing else 0,
        )  # fmt: skip


def decide(learner: "Learner") -> list[Drift]:
    """Records that have to be written because of what was noticed; each is asked for only once."""
    return learner.watch.undecided()


def follow(learner: "Learner", record: Drift) -> bool:
    """Lets a record take effect; False where it, or a later one, has been read before."""
    watch, number = learner.watch, SIGNALS.index(record.signal)
    if record.event <= watch.obeyed[number]:
        return False
    watch.obeyed[number] = record.event
    if watch.noticed[number, 0] <= record.event:
        watch.noticed[number] = 0.0
    if record.discount > 1.0:  # what comes from here on counts so many times as much
        learner.model.increments[:] *= record.discount
    if record.events > 0:
        watch.raised[:] = learner.events + record.events, record.rate
        learner.take_rates()
    return True


def settle(learner: "Learner") -> None:
    """Rates that were raised for a while are what they were."""
    if 0 < learner.watch.raised[0] <= learner.events:
        learner.watch.raised[:] = 0.0, 1.0
        learner.take_rates()


def arrays(watch: Watch) -> dict[str, Any]:
    """Everything that decides what will be noticed, by name."""
    names = ("counts", "lately", "known", "sums", "noticed", "obeyed", "raised")
    shares = {name: np.array(signal.shares) for name, signal in zip(SIGNALS, watch.signals, strict=True)}
    return {name: getattr(watch, name) for name in names} | shares


def restore(watch: Watch, saved: dict[str, Any]) -> None:
    """Takes what `arrays` gave; nothing from a snapshot of before there were any."""
    for name, array in arrays(watch).items():
        if name not in SIGNALS and name in saved:
            array[:] = saved[name]
    for name, signal in zip(SIGNALS, watch.signals, strict=True):
        if saved.get(name, np.zeros(0)).size:
            signal.begin(saved[name].tolist())

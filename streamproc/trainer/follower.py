"""The learner on its way through the journal. Knows no Kafka: records in, decisions to be written out.

What it has learned is a function of the records before `position` alone, wherever it was started, however
the records were cut, and whatever was published in between.
"""

from typing import NamedTuple

from streamproc.contracts import journal
from streamproc.contracts.control import Control, Drift, Generation, Promote, Reject, Shed
from streamproc.contracts.journal import Chunk, EventsRecord, Reader
from streamproc.engine import drift, generations
from streamproc.engine.learner import Learner
from streamproc.errors import BadRecord

APPLIED, STALE, OVERLAP, BROKEN = "applied", "stale", "overlap", "broken"  # as in metrics.RECORDS

NO_GENERATION = 0


class Step(NamedTuple):
    """What became of one record."""

    record: EventsRecord | Control | Chunk
    outcome: str  # BROKEN: an alarm; of a decision STALE: it had been carried out before
    events: int = 0  # learned from it


class Follower:
    """A learner, the rule by which records count, and the offset of the next one."""

    def __init__(self, learner: Learner, reader: Reader, position: int) -> None:
        self.learner = learner
        self.reader = reader
        self.position = position
        self.undecided: list[Control] = []  # decisions to write, unless the journal already holds them

    @property
    def generation(self) -> int:
        """The generation that serves; 0 for none."""
        return int(self.learner.model.lasting[0])

    @property
    def in_shadow(self) -> int:
        """The generation in shadow; 0 for none."""
        return int(self.learner.shadow.lasting[0]) if self.learner.shadow is not None else 0

    def highest(self, partitions: int) -> list[int]:
        """Newest source offset that counted, per partition; -1 for none."""
        return [self.reader.highest.get(number, journal.NOTHING_READ) for number in range(partitions)]

    def apply(self, offset: int, value: bytes) -> Step:
        """Let one record take effect. Raises BadRecord where this version cannot read it: never skip one."""
        try:
            record = journal.unpack(value)
        except BadRecord as error:
            raise BadRecord(f"journal offset {offset}: {error.message}", error.remedy) from error
        self.position = offset + 1
        if isinstance(record, EventsRecord):
            return self._learn(record)
        if isinstance(record, Chunk):
            generations.keep(self.learner, record)
            return Step(record, APPLIED)
        return self._obey(record)

    def _learn(self, record: EventsRecord) -> Step:
        overlaps, broken = self.reader.overlap, self.reader.broken
        columns = self.reader.accept(record)
        if columns is None:
            return Step(record, BROKEN if self.reader.broken > broken else STALE)
        self.learner.learn(record.partition, columns)
        self.undecided += generations.decide(self.learner)
        return Step(record, OVERLAP if self.reader.overlap > overlaps else APPLIED, columns.times.size)

    def _obey(self, record: Control) -> Step:
        if isinstance(record, Drift):
            news = drift.follow(self.learner, record)
            self.undecided = [each for each in self.undecided if not _covers(record, each)]
            return Step(record, APPLIED if news else STALE)
        if isinstance(record, Shed):
            news = record.every != self.learner.predict_every
            generations.follow(self.learner, record)
            return Step(record, APPLIED if news else STALE)
        if isinstance(record, Generation):
            self.undecided += generations.follow(self.learner, record)
            return Step(record, APPLIED if self.in_shadow == record.id else BROKEN)
        judged = self.in_shadow == record.generation
        self.undecided += generations.follow(self.learner, record)
        self.undecided = [each for each in self.undecided if _subject(each) != record.generation]
        return Step(record, APPLIED if judged else STALE)


def _covers(record: Drift, decision: Control) -> bool:
    """Whether a decision that is still to be written is this record, or one before it."""
    if not isinstance(decision, Drift):
        return False
    return decision.signal == record.signal and decision.event <= record.event


def _subject(decision: Control) -> int:
    if isinstance(decision, Generation):
        return decision.id
    return decision.generation if isinstance(decision, Promote | Reject) else NO_GENERATION

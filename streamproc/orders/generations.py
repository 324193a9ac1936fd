"""What the journal says of generations: which there are, which one serves, and what became of the others."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from streamproc.config import Config
from streamproc.contracts import generation
from streamproc.contracts.control import Control, Generation, Promote, Reject
from streamproc.contracts.ids import strings
from streamproc.contracts.journal import EVENTS, Chunk, Cut, EventsRecord, cut, unpack
from streamproc.contracts.topics import topics
from streamproc.errors import StreamprocError
from streamproc.kafka.clients import read_to_end

NONE = 0  # the generation of a model that no refresh has reached yet


@dataclass
class Generations:
    """Read record by record; of arrays only those of `wanted` are kept."""

    wanted: int = -1
    known: dict[int, Generation] = field(default_factory=dict)
    pieces: dict[int, set[int]] = field(default_factory=dict)  # numbers of the chunks that are there
    chunks: dict[int, Chunk] = field(default_factory=dict)  # of `wanted`
    served: list[int] = field(default_factory=lambda: [NONE])  # in the order of their promotions
    decisions: dict[int, Promote | Reject] = field(default_factory=dict)  # that counted, by generation
    decided_at: dict[int, int] = field(default_factory=dict)  # ms, by Kafka's clock
    next_id: int = 1
    shadow: int = NONE
    position: int = 0  # offset of the next record

    def add(self, value: bytes, at: int = 0) -> None:
        """Take the next record, which the journal got at this time (ms)."""
        if value[:1] == bytes([EVENTS]):
            return
        record = unpack(value)
        if isinstance(record, Chunk):
            self.next_id = max(self.next_id, record.generation + 1)
            self.pieces.setdefault(record.generation, set()).add(record.number)
            if record.generation == self.wanted:
                self.chunks[record.number] = record
        elif not isinstance(record, EventsRecord):
            self._follow(record, at)

    def _follow(self, record: Control, at: int) -> None:
        if isinstance(record, Generation):
            self.known[record.id] = record
            self.next_id, self.shadow = max(self.next_id, record.id + 1), record.id
        elif isinstance(record, Promote | Reject) and record.generation == self.shadow:
            self.shadow = NONE
            self.decisions[record.generation], self.decided_at[record.generation] = record, at
            if isinstance(record, Promote):
                self.served.append(record.generation)

    def before(self) -> int:
        """The generation that served before the present one; raises StreamprocError where there is none."""
        serving = self._content(self.served[-1])
        for earlier in reversed(self.served):
            if self._content(earlier) != serving:
                return earlier
        raise StreamprocError("no generation served before the present one", "There is nothing to go back to")

    def serves(self, wanted: int) -> bool:
        """Whether it serves, or a copy of it does."""
        return self._content(self.served[-1]) == self._content(wanted)

    def whole(self, number: int) -> bool:
        """Whether all of its arrays are still in the journal; of none, nothing is needed."""
        if number == NONE:
            return True
        return number in self.known and len(self.pieces.get(number, ())) >= self.known[number].chunks

    def _content(self, number: int) -> str:
        return (
            nothing().sha256 if number == NONE else self.known[number].sha256 if number in self.known else ""
        )


@cache
def nothing() -> Cut:
    """The arrays of a generation without items: what a model has that no refresh has reached."""
    factors = np.zeros((0, 0), np.float32)
    return cut(
        NONE,
        generation.pack(strings([]), np.zeros((0, 1), np.int32), np.zeros((0, 1), np.float32), factors),
    )


async def read(config: Config, found: Generations) -> Generations:
    """Go on to the journal's end from where `found` stands. Raises TopicMismatch where that is gone."""
    async for records in read_to_end(config, topics(config).journal.name, 0, found.position or None):
        for record in records:
            found.add(record.value, record.timestamp)
            found.position = record.offset + 1
    return found

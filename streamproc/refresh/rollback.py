"""An earlier generation serves again, by order.

The journal is the only truth, and nothing in it is taken back: the earlier generation's arrays are written
once more, under a new number, and promoted by the record after them. So every reader of the journal comes to
the same model, when and wherever it reads; the short-term models and the fusion go on learning.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np

from streamproc.config import Config
from streamproc.contracts import generation
from streamproc.contracts.ids import strings
from streamproc.contracts.journal import (
    Chunk,
    Control,
    Drift,
    EventsRecord,
    Generation,
    Promote,
    cut,
    pack_chunk,
    pack_control,
    unpack,
)
from streamproc.contracts.topics import topics
from streamproc.errors import StreamprocError
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.clients import read_to_end
from streamproc.refresh.run import append_all

NONE = 0  # the generation of a model that no refresh has reached yet


class Rolled(NamedTuple):
    """What serves now."""

    generation: int  # the number under which it serves
    like: int  # the one that it is a copy of
    written: bool  # False: it did already


@dataclass
class Generations:
    """What the journal says of generations, read record by record; of arrays only those of `wanted`."""

    wanted: int = -1
    known: dict[int, Generation] = field(default_factory=dict)
    chunks: dict[int, Chunk] = field(default_factory=dict)  # of `wanted`
    served: list[int] = field(default_factory=lambda: [NONE])  # in the order of their promotions
    next_id: int = 1
    shadow: int = NONE

    def add(self, value: bytes) -> None:
        """Take the next record."""
        record = unpack(value)
        if isinstance(record, EventsRecord):
            return
        if isinstance(record, Chunk):
            self.next_id = max(self.next_id, record.generation + 1)
            if record.generation == self.wanted:
                self.chunks[record.number] = record
            return
        self._follow(record)

    def _follow(self, record: Control) -> None:
        if isinstance(record, Drift):
            return
        if isinstance(record, Generation):
            self.known[record.id] = record
            self.next_id, self.shadow = max(self.next_id, record.id + 1), record.id
        elif record.generation == self.shadow:
            self.shadow = NONE
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

    def _content(self, number: int) -> str:
        return EMPTY.sha256 if number == NONE else self.known[number].sha256 if number in self.known else ""


def again(found: Generations, now_ms: int) -> list[bytes]:
    """Records that make `found.wanted` serve, in their order: chunks, generation, promotion.

    Raises StreamprocError, naming what is missing, where the journal does not hold all of it any more.
    """
    number = found.next_id
    pieces = [pack_chunk(chunk._replace(generation=number)) for chunk in _whole(found)]
    nothing = Generation(NONE, "none", 0, len(pieces), EMPTY.sha256, 0, now_ms)
    origin = found.known[found.wanted] if found.wanted != NONE else nothing
    control = msgspec.structs.replace(origin, id=number, created_at=now_ms)
    return [*pieces, pack_control(control), pack_control(Promote(number, 0.0, 0.0, 0))]


async def roll_back(config: Config, wanted: int | None, now_ms: int) -> Rolled:
    """Let an earlier generation serve again; None: the one before the present. Repeated it changes nothing.

    Raises StreamprocError where it is unknown, not whole any more, or another refresh came in between;
    KafkaUnavailable.
    """
    await ensure_topics(config)
    if wanted is None:
        wanted = (await _read(config, -1)).before()
    found = await _read(config, wanted)
    if wanted != NONE and wanted not in found.known:
        known = ", ".join(map(str, found.known)) or "none"
        raise StreamprocError(
            f"the journal knows no generation {wanted}", f"It knows {known}, and 0 for none"
        )
    if found.serves(wanted):
        return Rolled(found.served[-1], wanted, False)
    await append_all(config, again(found, now_ms))
    after = await _read(config, -1)
    if found.next_id not in after.served:
        raise StreamprocError(f"another refresh came between, and {wanted} does not serve", "Try again")
    return Rolled(found.next_id, wanted, True)


def _whole(found: Generations) -> list[Chunk]:
    if found.wanted == NONE:
        return [chunk for record in EMPTY.records if isinstance(chunk := unpack(record), Chunk)]
    origin = found.known[found.wanted]
    missing = [number for number in range(origin.chunks) if number not in found.chunks]
    if missing:
        text = f"chunks {missing[0]} to {missing[-1]} of generation {origin.id} have left the journal"
        raise StreamprocError(f"{text}: {len(missing)} of {origin.chunks}", "Take a newer one, or 0 for none")
    return [found.chunks[number] for number in range(origin.chunks)]


async def _read(config: Config, wanted: int) -> Generations:
    found = Generations(wanted)
    async for records in read_to_end(config, topics(config).journal.name, 0):
        for record in records:
            found.add(record.value)
    return found


EMPTY = cut(
    NONE,
    generation.pack(
        strings([]), np.zeros((0, 1), np.int32), np.zeros((0, 1), np.float32), np.zeros((0, 0), np.float32)
    ),
)

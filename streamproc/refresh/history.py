"""What a refresh knows from the journal: the newest events, and the generations before it."""

from typing import NamedTuple

import numpy as np

from streamproc.contracts import generation
from streamproc.contracts.columns import EventColumns
from streamproc.contracts.control import Control, Drift, Generation, Promote, Reject
from streamproc.contracts.ids import select_strings, strings, texts
from streamproc.contracts.journal import Assembler, Chunk, EventsRecord, Reader, unpack
from streamproc.errors import BadRecord
from streamproc.refresh.fit import Factors, History
from streamproc_models.arrays import F32, U64


class JournalHistory:
    """Follows the journal record by record. Memory: 20 bytes an event, up to twice `newest` events."""

    def __init__(self, newest: int = 2_000_000) -> None:
        self.position = 0  # journal offset of the next record to read
        self.new_events = 0  # since the cut-off of the last generation
        self.last: Generation | None = None
        self.decision: Promote | Reject | None = None  # on the last generation
        self.next_id = 1  # above every generation of which the journal holds a trace
        self.encoded = 0  # events that the newest encoder was trained on
        self.new_to_encoder = 0  # events with a strength above 0 since the cut-off of that one
        self._reader = Reader()
        self._assembler = Assembler()
        self.drifted = False  # since the cut-off of the last generation, and a refresh is wanted for it
        self._drifted_at = -1  # journal offset
        self._columns = _Columns(newest)
        self._item_ids: dict[int, bytes] = {}
        self._cut = -1
        self._since_cut = 0
        self._liked_since_cut = 0
        self._factors: Factors | None = None  # of the last generation, unless it was rejected
        self._promoted: Factors | None = None

    @property
    def events(self) -> int:
        """Events with a strength above 0 that a refresh would look back on."""
        return self._columns.newest()[0].size

    @property
    def items(self) -> int:
        """Items seen so far."""
        return len(self._item_ids)

    @property
    def broken(self) -> int:
        """Records behind a gap, which no right writer leaves."""
        return self._reader.broken

    @property
    def factors(self) -> Factors | None:
        """Factors to start from: of the last generation, or of the one before if that was rejected."""
        return self._factors or self._promoted

    def add(self, offset: int, value: bytes) -> None:
        """Take one journal record in, in the order of the offsets. Raises BadRecord for an unknown one."""
        record = unpack(value)
        if isinstance(record, EventsRecord):
            self._add_events(record)
        elif isinstance(record, Chunk):
            self.next_id = max(self.next_id, record.generation + 1)
            self._assembler.add(record)
        else:
            self._add_control(record)
        self.position = offset + 1

    def cut(self) -> History:
        """Everything that counts up to `position`, users and items numbered in the order of their hashes."""
        self._cut, self._since_cut, self._liked_since_cut = self.position, 0, 0
        user_hashes, item_hashes, strengths = self._columns.newest()
        users, user_of = np.unique(user_hashes, return_inverse=True)
        items, item_of = np.unique(item_hashes, return_inverse=True)
        self._item_ids = {item: self._item_ids[item] for item in items.tolist()}
        item_ids = strings(list(self._item_ids.values()))
        numbers = (user_of.astype(np.int32), item_of.astype(np.int32))
        return History(*numbers, strengths, users.size, item_ids)

    def count_encoder(self, events: int, learned_to: int) -> None:
        """An encoder was trained on so many events up to `learned_to`, or failed to be."""
        self.encoded = events
        self.new_to_encoder = self._liked_since_cut if learned_to == self._cut else 0

    def _add_events(self, record: EventsRecord) -> None:
        """The first record of a partition counts as a start: what was before it has left the journal."""
        self._reader.highest.setdefault(record.partition, record.prev)
        columns = self._reader.accept(record)
        if columns is None:
            return
        self.new_events += columns.offsets.size
        self._since_cut += columns.offsets.size
        liked = columns.strengths > 0
        self.new_to_encoder += int(np.count_nonzero(liked))
        self._liked_since_cut += int(np.count_nonzero(liked))
        self._columns.append(columns.users[liked], columns.items[liked], columns.strengths[liked])
        self._name_items(columns)

    def _name_items(self, columns: EventColumns) -> None:
        """Each item's id is kept once."""
        liked = np.flatnonzero(columns.strengths > 0)
        hashes, first = np.unique(columns.items[liked], return_index=True)
        unknown = [item not in self._item_ids for item in hashes.tolist()]
        chosen = np.zeros(columns.items.size, np.bool_)
        chosen[liked[first[unknown]]] = True
        names = texts(select_strings(columns.item_ids, chosen))
        self._item_ids.update(zip(columns.items[chosen].tolist(), names, strict=True))

    def _add_control(self, record: Control) -> None:
        if isinstance(record, Generation):
            self._add_generation(record)
        elif isinstance(record, Drift):
            if record.refresh:
                self.drifted, self._drifted_at = True, self.position
        elif isinstance(record, Promote | Reject):
            self._add_decision(record)

    def _add_decision(self, record: Promote | Reject) -> None:
        if self.last is None or record.generation != self.last.id:
            return
        self.decision = record
        if isinstance(record, Promote):
            self._promoted = self._factors
        self._factors = None

    def _add_generation(self, record: Generation) -> None:
        self.next_id = max(self.next_id, record.id + 1)
        self.last, self.decision = record, None
        self.drifted = self.drifted and self._drifted_at >= record.learned_to
        self.new_events = self._since_cut if record.learned_to == self._cut else 0
        try:
            arrays = generation.unpack(self._assembler.finish(record))
            self._factors = Factors(arrays.item_ids, arrays.factors) if arrays.factors.size else None
            if arrays.encoder is not None:
                self.count_encoder(int(arrays.encoder.events[0]), record.learned_to)
        except BadRecord:
            self._factors = None  # the trainer rejects it; a refresh starts from an older one, or cold


class _Newest(NamedTuple):
    users: U64  # (n,), hashes
    items: U64  # (n,), hashes
    strengths: F32  # (n,)


class _Columns:
    """The newest events in three arrays, which move to new ones when they are full."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._arrays = _allocate(1024)

    def newest(self) -> _Newest:
        """At most `limit` events, in order, as views."""
        first = max(0, self._size - self._limit)
        return _Newest._make(array[first : self._size] for array in self._arrays)

    def append(self, users: U64, items: U64, strengths: F32) -> None:
        end = self._size + users.size
        if end > self._arrays.users.size:
            kept = self.newest()
            self._size = kept.users.size
            end = self._size + users.size
            self._arrays = _allocate(2 * end)
            self._write(kept, 0)
        self._write(_Newest(users, items, strengths), self._size)
        self._size = end

    def _write(self, events: _Newest, first: int) -> None:
        last = first + events.users.size
        self._arrays.users[first:last] = events.users
        self._arrays.items[first:last] = events.items
        self._arrays.strengths[first:last] = events.strengths


def _allocate(events: int) -> _Newest:
    return _Newest(np.empty(events, np.uint64), np.empty(events, np.uint64), np.empty(events, np.float32))

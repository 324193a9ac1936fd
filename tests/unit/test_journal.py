"""Journal records there and back, and the rule by which they count."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.contracts.columns import DTYPES, EventColumns, no_events
from streamproc.contracts.control import Generation, Promote, Reject
from streamproc.contracts.ids import strings, texts
from streamproc.contracts.journal import (
    MAX_RECORD_BYTES,
    Assembler,
    EventsRecord,
    Reader,
    cut,
    pack_control,
    pack_events,
    pack_range,
    split,
    unpack,
)
from streamproc.errors import BadRecord


def batch(offsets, id_bytes=5):
    """Events at these offsets, everything else different from row to row."""
    count = len(offsets)
    numbers = np.arange(1, count + 1)
    ids = strings([b"%0*d" % (id_bytes, number) for number in numbers])
    columns = [np.array(offsets, np.int64), *((numbers % 200).astype(dtype) for dtype in DTYPES[1:])]
    return EventColumns(*columns, ids, ids)


def listed(columns):
    """Columns as comparable lists."""
    return [*(column.tolist() for column in columns[:10]), texts(columns.user_ids), texts(columns.item_ids)]


@given(st.lists(st.integers(0, 1000), unique=True, max_size=40).map(sorted), st.integers(1, 300))
def test_an_events_record_comes_back_as_it_was(offsets, id_bytes):
    """Any number of events, none included, and ids of any length."""
    columns = batch(offsets, id_bytes)

    record = unpack(pack_events(7, -1, 1000, columns))

    assert (record.partition, record.prev, record.upto) == (7, -1, 1000)
    assert listed(record.columns) == listed(columns)


def test_unpacked_columns_look_to_a_kernel_like_decoded_ones():
    """Writable and aligned, or every kernel would be compiled twice."""
    columns = unpack(pack_events(0, -1, 9, batch(range(10)))).columns

    arrays = [*columns[:10], *columns.user_ids, *columns.item_ids]
    assert all(array.flags.writeable and array.flags.aligned for array in arrays)


def test_a_batch_too_large_for_one_record_becomes_a_chain():
    """Each part fits, the ranges join without a gap, and together they are the batch."""
    columns = batch(range(100, 3100), id_bytes=256)

    values = pack_range(2, 99, 5000, columns)
    records = [unpack(value) for value in values]

    assert len(values) == 2
    assert max(map(len, values)) <= MAX_RECORD_BYTES
    assert [record.prev for record in records] == [99, records[0].upto]
    assert records[0].upto == records[0].columns.offsets[-1]
    assert records[-1].upto == 5000
    joined = np.concatenate([record.columns.offsets for record in records])
    assert joined.tolist() == columns.offsets.tolist()


@given(st.integers(0, 60), st.integers(300, 3000), st.integers(1, 300))
def test_parts_are_within_the_limit_and_not_smaller_than_needed(count, max_bytes, id_bytes):
    """Only an event that is larger than the limit by itself may exceed it, alone in its part."""
    columns = batch(range(count), id_bytes)

    parts = split(columns, max_bytes)

    sizes = [(part.offsets.size, len(pack_events(0, -1, count, part))) for part in parts]
    assert all(size <= max_bytes or events == 1 for events, size in sizes)
    assert sum(events for events, _ in sizes) == count


@pytest.mark.parametrize(
    "control",
    [
        Generation(3, "ease", 500, 2, "ab", 12_345, 1_700_000_000_000),
        Promote(3, 0.25, 0.24, 2000),
        Reject(3, "recall 0.20 is below 0.24"),
    ],
)
def test_a_decision_comes_back_as_it_was(control):
    """Every kind of control record."""
    assert unpack(pack_control(control)) == control


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x09\x01",
        b"\x01\x01short",
        b"\x01\x02" + bytes(22),
        pack_events(0, -1, 9, batch(range(10)))[:-8],
        b'\x02\x01{"type":"levitate"}',
        b"\x02\x01{",
        b"\x03\x01",
    ],
)
def test_a_record_that_cannot_be_read_is_an_error_and_never_skipped(value):
    """What is skipped here would be missing from every state."""
    with pytest.raises(BadRecord):
        unpack(value)


def take(reader, prev, upto):
    """Offsets that count of a record that claims (prev, upto], or None."""
    columns = reader.accept(EventsRecord(0, prev, upto, batch(range(prev + 1, upto + 1))))
    return None if columns is None else columns.offsets.tolist()


def test_the_reader_takes_what_is_new_and_joins():
    """
    offsets    0 1 2 3 4 5 6 7 8
    first      |-----|              counts
    repeat     |-----|              stale
    zombie         |-----|          overlap: 3 and 4 count
    gap                    |---|    broken
    """
    reader = Reader()

    taken = [take(reader, -1, 2), take(reader, -1, 2), take(reader, 1, 4), take(reader, 5, 7)]

    assert taken == [[0, 1, 2], None, [3, 4], None]
    assert (reader.stale, reader.overlap, reader.broken) == (1, 1, 1)
    assert reader.highest == {0: 4}


def test_a_range_of_rejects_moves_the_reader_on():
    """An empty record counts, so that nobody reads those events again."""
    reader = Reader({4: 10})

    columns = reader.accept(EventsRecord(4, 10, 20, no_events()))

    assert columns is not None and columns.offsets.size == 0
    assert reader.highest == {4: 20}


EVENTS = 40


class Histories:
    """Owners and zombies of one partition, whose appends get lost, doubled, late, or lose their ack."""

    def __init__(self, seed, in_flight):
        self.random = random.Random(seed)
        self.in_flight = in_flight  # appends that a writer has under way at a time
        self.journal, self.flying, self.writers = [], [], []
        self.unheld = 0  # acknowledged appends that the reader does not hold

    def play(self):
        """400 random steps, then one owner to finish; what a reader makes of the journal."""
        self.restore()
        for _ in range(400):
            self.step()
        last = self.restore()
        self.journal.append((last["chain"], EVENTS - 1))
        return self.read()

    def restore(self):
        """A new owner starts where the journal as of now ends; the earlier ones go on as zombies."""
        writer = {"chain": self.read()[0].highest.get(0, -1), "busy": 0}
        self.writers.append(writer)
        return writer

    def step(self):
        chance = self.random.random()
        if not self.writers or chance < 0.08:
            self.restore()
        elif chance < 0.55:
            self.append(self.random.choice(self.writers))
        elif self.flying:
            self.land(*self.flying.pop(self.random.randrange(len(self.flying))))

    def append(self, writer):
        if writer["busy"] < self.in_flight and writer["chain"] < EVENTS - 1:
            upto = min(EVENTS - 1, writer["chain"] + self.random.randint(1, 5))
            self.flying.append((writer, writer["chain"], upto))
            writer["chain"], writer["busy"] = upto, writer["busy"] + 1

    def land(self, writer, prev, upto):
        fate = self.random.random()
        if fate >= 0.1:  # below: lost on the way
            self.journal.append((prev, upto))
        if fate > 0.9:
            self.journal.append((prev, upto))
        if fate < 0.1 or 0.2 < fate < 0.3:  # no ack: the writer forgets everything
            self.writers = [other for other in self.writers if other is not writer]
        else:
            writer["busy"] -= 1
            self.unheld += self.read()[0].highest[0] < upto if self.in_flight == 1 else 0

    def read(self):
        reader, got = Reader(), []
        for prev, upto in self.journal:
            if prev < upto:
                got += take(reader, prev, upto) or []
        return reader, got


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_no_history_loses_or_doubles_an_event(seed):
    """While every writer awaits each ack, all is there once and in order, and nothing is broken."""
    histories = Histories(seed, in_flight=1)

    reader, got = histories.play()

    assert got == list(range(EVENTS))
    assert reader.broken == 0
    assert histories.unheld == 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_even_writers_that_break_the_rule_double_nothing(seed):
    """With several appends in flight gaps arise; the reader refuses them and the next owner heals them."""
    _, got = Histories(seed, in_flight=3).play()

    assert got == list(range(EVENTS))


def generation(arrays, number=5):
    """The arrays as unpacked chunks, and the record that completes them."""
    records, sha256 = cut(number, arrays)
    done = Generation(number, "als", 10, len(records), sha256, 0, 0)
    return [unpack(record) for record in records], done


ARRAYS = {
    "vectors": np.arange(300_000, dtype=np.float32).reshape(-1, 10),  # 1.2 MB: three chunks
    "items": np.arange(3, dtype=np.uint64),
}


def test_a_generation_comes_back_whole_from_chunks_in_any_order():
    """Late, doubled, and through a snapshot in between."""
    chunks, done = generation(ARRAYS)
    before, after = Assembler(), Assembler()

    for chunk in [chunks[2], chunks[0], chunks[0]]:
        before.add(chunk)
    after.restore(before.arrays())
    after.add(chunks[1])
    arrays = after.finish(done)

    assert len(chunks) == 3
    assert sorted(arrays) == ["items", "vectors"]
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    assert after.arrays() == {}


def test_a_generation_with_a_piece_missing_is_refused():
    """It names what was found."""
    chunks, done = generation(ARRAYS)
    assembler = Assembler()
    assembler.add(chunks[0])

    with pytest.raises(BadRecord, match="1 of 3 chunks"):
        assembler.finish(done)


def test_what_dead_refreshes_left_behind_is_bounded():
    """Only the newest two unfinished generations are kept."""
    assembler = Assembler()
    for number in range(1, 6):
        assembler.add(generation({"x": np.zeros(1)}, number)[0][0])

    assert sorted(assembler.arrays()) == ["4.0", "5.0"]

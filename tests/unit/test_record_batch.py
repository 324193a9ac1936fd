"""Batches of records as Kafka reads them; aiokafka's own reader is the judge."""

from itertools import pairwise

import pytest
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from streamproc.contracts.ids import strings
from streamproc.contracts.record_batch import HEADER, batch, set_producer
from streamproc.kafka.packed import PackedBatch

TIME = 1_700_000_000_000


def read(whole):
    """The only batch in these bytes, its crc found right."""
    records = MemoryRecords(bytes(whole))
    found = records.next_batch()
    assert records.next_batch() is None
    assert found.validate_crc()
    return found


def packed(keys, values, limit=1 << 20):
    """All batches that the records make, as aiokafka would send them."""
    batches, at = [], 0
    while at < len(keys):
        whole, stop = batch(strings(keys), strings(values), at, limit, TIME)
        batches.append(PackedBatch(whole, stop - at))
        at = stop
    for number, one in enumerate(batches):
        one._set_producer_state(7, 3, number)
    return [read(one._build()) for one in batches]


def contents(batches):
    return [(record.key, record.value) for one in batches for record in one]


def test_a_batch_is_read_as_it_was_written():
    """Three records, one of them empty, all of one time."""
    keys, values = [b"u1", b"u2", "ü".encode()], [b"{}", b"", b"x" * 3000]

    (one,) = packed(keys, values)
    records = list(one)

    assert [(record.key, record.value) for record in records] == list(zip(keys, values, strict=True))
    assert [record.offset for record in records] == [0, 1, 2]
    assert {record.timestamp for record in records} == {TIME}
    assert (one.producer_id, one.producer_epoch, one.base_sequence) == (7, 3, 0)


@given(
    st.lists(
        st.tuples(st.binary(min_size=1, max_size=300), st.binary(max_size=9000)), min_size=1, max_size=300
    ),
    st.integers(100, 40_000),
)
def test_batches_hold_everything_in_order_and_keep_the_limit(records, limit):
    """Unless a record is larger by itself."""
    keys, values = [key for key, _ in records], [value for _, value in records]
    batches, at = [], 0
    while at < len(keys):
        whole, stop = batch(strings(keys), strings(values), at, limit, TIME)
        assert whole.size <= limit or stop == at + 1
        batches.append(PackedBatch(whole, stop - at))
        at = stop

    assert contents([read(one._build()) for one in batches]) == records
    assert sum(one.record_count() for one in batches) == len(records)


@pytest.mark.parametrize("limit", [1 << 20, 60_000])
def test_batches_are_filled(limit):
    """So that there are few."""
    batches = packed([b"u"] * 1000, [bytes(1000)] * 1000, limit)
    counts = [len(list(one)) for one in batches]

    assert all(before >= after for before, after in pairwise(counts))
    assert counts[0] * 1040 + HEADER.size > min(limit, 1000 * 1040) - 1040


def test_a_batch_that_is_sent_again_is_the_same():
    """Its crc is made once, when the producer is known."""
    whole, _ = batch(strings([b"u1"]), strings([b"{}"]), 0, 1000, TIME)
    one = PackedBatch(whole, 1)
    one._set_producer_state(9, 0, 4)

    first = bytes(one._build())

    assert bytes(one._build()) == first
    assert one.size() == len(first)
    assert one.closed()
    set_producer(whole, 1, 0, 0)
    with pytest.raises(AssertionError):
        read(whole)

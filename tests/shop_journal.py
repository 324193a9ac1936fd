"""Journals as workers would have written them, out of the simulated shop."""

import itertools

import numpy as np

from streamproc.contracts import generation, journal
from streamproc.contracts.events import Decoder, encode
from streamproc.contracts.ids import strings
from streamproc.contracts.journal import EventsRecord, Generation
from streamproc.kafka.feed import partition_of
from streamproc.simulate.shop import Shop

SLOTS = 8


def journalled(config, count, batch, seed=7):
    """Events records of `count` events; a worker for each partition took them in batches of up to `batch`."""
    partitions = config.kafka.partitions
    decoder, events = Decoder(config.events), list(Shop(seed, users=80, items=120).events(count))
    waiting = [[] for _ in range(partitions)]
    done, records = [0] * partitions, []
    for event in events:
        partition = partition_of(event.user_id.encode(), partitions)
        waiting[partition].append(encode(event))
        if len(waiting[partition]) == batch or event is events[-1]:
            full = [partition] if event is not events[-1] else range(partitions)
            for number in full:
                records += _records(decoder, number, done, waiting[number])
                waiting[number] = []
    return records


def _records(decoder, partition, done, values):
    first, upto = done[partition], done[partition] + len(values)
    offsets = np.arange(first, upto)
    columns, rejects = decoder.decode(values, offsets, np.full(len(values), -1), partition)
    assert not rejects
    done[partition] = upto
    return journal.pack_range(partition, first - 1, upto - 1, columns)


def generation_of(records, number=1):
    """A generation in which items speak for those that came next to them, as journal records."""
    names = [name for record in map(journal.unpack, records) for name in _items(record)]
    known = sorted(set(names))
    place = {name: row for row, name in enumerate(known)}
    counts = np.zeros((len(known), len(known)))
    for one, other in itertools.pairwise(names):
        if one != other:
            counts[place[one], place[other]] += 1
    neighbours = np.argsort(-counts, axis=1, kind="stable")[:, :SLOTS].astype(np.int32)
    weights = np.take_along_axis(counts, neighbours, axis=1).astype(np.float32)
    neighbours[weights == 0] = -1
    arrays = generation.pack(strings(known), neighbours, weights, np.zeros((len(known), 0), np.float32))
    cut = journal.cut(number, arrays)
    record = Generation(number, "ease", len(known), len(cut.records), cut.sha256, 0, 0)
    return [*cut.records, journal.pack_control(record)]


def _items(record):
    assert isinstance(record, EventsRecord)
    data, ends = record.columns.item_ids
    whole = data.tobytes()
    return [whole[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]

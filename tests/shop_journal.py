"""Journals as workers would have written them, out of the simulated shop."""

import itertools

import numpy as np
from msgspec.json import decode

from streamproc.contracts import generation, journal
from streamproc.contracts.control import Generation
from streamproc.contracts.events import Decoder, encode
from streamproc.contracts.ids import strings
from streamproc.contracts.journal import EventsRecord
from streamproc.kafka.feed import partition_of
from streamproc.simulate.shop import Shop

SLOTS = 8


def journalled(config, count, batch, seed=7):
    """Events records of `count` events; a worker for each partition took them in batches of up to `batch`."""
    sold = Shop(seed, users=80, items=120).events(count)
    return journal_of(config, [encode(event) for event in sold], batch)


def journal_of(config, values, batch):
    """The same of these events in JSON."""
    partitions = config.kafka.partitions
    decoder, users = Decoder(config.events), [decode(value)["user_id"].encode() for value in values]
    waiting = [[] for _ in range(partitions)]
    done, records = [0] * partitions, []
    for number, (user, value) in enumerate(zip(users, values, strict=True), 1):
        partition = partition_of(user, partitions)
        waiting[partition].append(value)
        if len(waiting[partition]) == batch or number == len(values):
            full = [partition] if number < len(values) else range(partitions)
            for each in full:
                records += _records(decoder, each, done, waiting[each])
                waiting[each] = []
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

"""Learners at work: fed event by event or in batches, copied as a snapshot copies them, given generations."""

import itertools

import numpy as np

from streamproc.contracts import generation, journal
from streamproc.contracts.ids import strings
from streamproc.contracts.journal import Generation
from streamproc.engine import generations, state
from streamproc.engine.learner import Learner
from streamproc_models.slots import FREE
from tests.event_columns import columns


def partition_of(event, partitions):
    """Users are numbered: `user 7` belongs to partition 7 % partitions."""
    return int(event.user.split()[-1]) % partitions if partitions > 1 else 0


def feed(learner, events, size=4000, first=0):
    """Learns events in batches of up to `size` of one partition; returns the learner."""
    partitions, done = len(learner.users), first
    for partition, run in itertools.groupby(events, lambda event: partition_of(event, partitions)):
        for batch in iter(lambda run=run: list(itertools.islice(run, size)), []):
            learner.learn(partition, columns(batch, done))
            done += len(batch)
    return learner


def learner_of(config, events, size=4000, partitions=1):
    """A new learner that has learned these events."""
    return feed(Learner(config, partitions), events, size)


def restored(config, learner):
    """A learner from a copy of another one's state, as a restart makes it."""
    copies = {name: array.copy() for name, array in state.arrays(learner).items()}
    again = Learner(config, len(learner.users))
    state.restore(again, copies)
    return again


def packed_generation(neighbours, number=1):
    """A generation {item: {neighbour: weight}} as journal records: its chunks, then the control record."""
    names = sorted(neighbours)
    slots = max(len(row) for row in neighbours.values())
    places, weights = np.full((len(names), slots), FREE, np.int32), np.zeros((len(names), slots), np.float32)
    for place, name in enumerate(names):
        ordered = sorted(neighbours[name].items(), key=lambda pair: -pair[1])
        for slot, (other, weight) in enumerate(ordered):
            places[place, slot], weights[place, slot] = names.index(other), weight
    ids = strings([name.encode() for name in names])
    cut = journal.cut(number, generation.pack(ids, places, weights, np.zeros((len(names), 0), np.float32)))
    control = Generation(number, "ease", len(names), len(cut.records), cut.sha256, 0, 0)
    return [*cut.records, journal.pack_control(control)]


def generation_records(neighbours, number=1):
    """The same, read: chunks and control record."""
    *chunks, control = map(journal.unpack, packed_generation(neighbours, number))
    return chunks, control


def begin(learner, neighbours, number=1):
    """Puts a generation in shadow; returns what has to be written because of it."""
    chunks, control = generation_records(neighbours, number)
    for chunk in chunks:
        generations.keep(learner, chunk)
    return generations.follow(learner, control)


def next_items(items):
    """A generation in which each item speaks for the next two of `items`."""
    names = [f"item {number}" for number in range(items)]
    return {name: {names[(k + 1) % items]: 2.0, names[(k + 2) % items]: 1.0} for k, name in enumerate(names)}

"""Learners at work: fed event by event or in batches, copied as a snapshot copies them, given generations."""

import itertools

import numpy as np

from streamproc.contracts import generation, journal
from streamproc.contracts.control import Generation
from streamproc.contracts.encoder import EncoderArrays
from streamproc.contracts.ids import strings
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


def packed_generation(neighbours, number=1, encoder=None):
    """A generation {item: {neighbour: weight}} as journal records: its chunks, then the control record.

    The items of `encoder` are places in the sorted names of the others.
    """
    names = sorted(neighbours)
    slots = max(len(row) for row in neighbours.values())
    places, weights = np.full((len(names), slots), FREE, np.int32), np.zeros((len(names), slots), np.float32)
    for place, name in enumerate(names):
        ordered = sorted(neighbours[name].items(), key=lambda pair: -pair[1])
        for slot, (other, weight) in enumerate(ordered):
            places[place, slot], weights[place, slot] = names.index(other), weight
    ids, factors = strings([name.encode() for name in names]), np.zeros((len(names), 0), np.float32)
    cut = journal.cut(number, generation.pack(ids, places, weights, factors, encoder))
    control = Generation(number, "ease", len(names), len(cut.records), cut.sha256, 0, 0)
    return [*cut.records, journal.pack_control(control)]


def generation_records(neighbours, number=1, encoder=None):
    """The same, read: chunks and control record."""
    *chunks, control = map(journal.unpack, packed_generation(neighbours, number, encoder))
    return chunks, control


def begin(learner, neighbours, number=1, encoder=None):
    """Puts a generation in shadow; returns what has to be written because of it."""
    chunks, control = generation_records(neighbours, number, encoder)
    for chunk in chunks:
        generations.keep(learner, chunk)
    return generations.follow(learner, control)


def encoder_of(vectors, size):
    """A network whose state is the vector (d,) of the last item, and which wants items with vectors like it.

    `vectors` {item: vector}, with d <= size; its gates let nothing of the state before through.
    """
    n, d = len(vectors), len(next(iter(vectors.values())))
    embeddings, cell = np.zeros((n, size), np.float32), np.zeros((2 * size + 2, 3 * size), np.float32)
    embeddings[:, :d] = [vectors[name] for name in sorted(vectors)]
    cell[:size, 2 * size :] = 3 * np.eye(size)
    cell[2 * size, size : 2 * size] = -20
    return _encoder(embeddings, np.zeros(n, np.float32), cell)


def any_encoder(items, size, seed=1):
    """A network with random weights over so many items."""
    draw, unit = np.random.default_rng(seed), 1 / np.sqrt(size)
    embeddings, bias = draw.normal(0, 0.5, (items, size)), draw.normal(-1, 0.5, items)
    cell = draw.uniform(-unit, unit, (2 * size + 2, 3 * size))
    return _encoder(*(array.astype(np.float32) for array in (embeddings, bias, cell)))


def _encoder(embeddings, bias, cell):
    n = len(embeddings)
    return EncoderArrays(
        items=np.arange(n, dtype=np.int32), embeddings=embeddings, bias=bias, cell=cell,
        embeddings_sums=np.ones_like(embeddings), bias_sums=np.ones_like(bias),
        cell_sums=np.ones_like(cell), counts=np.full(n, 20), unknown_bias=np.array([-3], np.float32),
        events=np.array([20 * n]),
    )  # fmt: skip


def next_items(items):
    """A generation in which each item speaks for the next two of `items`."""
    names = [f"item {number}" for number in range(items)]
    return {name: {names[(k + 1) % items]: 2.0, names[(k + 2) % items]: 1.0} for k, name in enumerate(names)}

"""A history as every user's items in order, and what an epoch makes of it: chunks, batches, windows.

A user's events are cut into chunks of bounded length, at other places in each epoch; a chunk starts
from an empty state, as a user whose older events have left the window does. Chunks of equal length
share a batch where possible, so that little is padded.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import I32, I64, Bool

SORTED_TOGETHER = 4000  # chunks that are sorted by length before they are put into batches


class Sequences(NamedTuple):
    """Every user's items one after the other: n events of u users, each with two events or more."""

    items: I32  # (n,), in the order of time within each user
    starts: I64  # (u,), where each user begins
    ends: I64  # (u,), and ends
    known: I64  # (u,), where each user's newest slice begins: what comes then is not trained on


class Chunks(NamedTuple):
    """c stretches of a sequence; the item after each position is its target."""

    starts: I64  # (c,), first position
    lengths: I64  # (c,), positions


class Batch(NamedTuple):
    """Chunks as one rectangle, b by their longest t, with m positions in use."""

    inputs: I32  # (b, t), items; anything where not in use
    used: Bool  # (b, t), the first positions of each row
    targets: I32  # (m,), item after each used position, row by row


def sequences(users: I32, items: I32, newest: int) -> Sequences:
    """The items of every user with two events or more, of which the last `newest` events are the newest."""
    order = np.argsort(users, kind="stable")
    _, starts, counts = np.unique(users[order], return_index=True, return_counts=True)
    old = np.concatenate([[0], np.cumsum(order < users.size - newest)])  # before each place
    ends = starts + counts
    known = starts + old[ends] - old[starts]
    several = counts > 1
    return Sequences(items[order], starts[several], ends[several], known[several])


def trained(sequences: Sequences) -> I64:
    """Targets (u,) of each user before the newest slice."""
    targets: I64 = np.maximum(sequences.known - sequences.starts - 1, 0)
    return targets


def chunks(starts: I64, targets: I64, length: int, draw: np.random.Generator) -> Chunks:
    """Sequences of so many targets (u,), cut into at most `length` each, the first at a random place."""
    starts, targets = starts[targets > 0], targets[targets > 0]
    first = np.where(targets > length, draw.integers(1, length + 1, targets.size), targets)
    counts = 1 + -(-(targets - first) // length)
    owner = np.repeat(np.arange(targets.size), counts)
    number = np.arange(owner.size) - np.repeat(np.cumsum(counts) - counts, counts)
    begin = np.where(number > 0, first[owner] + (number - 1) * length, 0)
    end = np.minimum(first[owner] + number * length, targets[owner])
    return Chunks(starts[owner] + begin, end - begin)


def batches(cut: Chunks, targets: int, draw: np.random.Generator) -> list[Chunks]:
    """All chunks in random order, in batches of at most so many targets, or of one longer chunk."""
    order = draw.permutation(cut.starts.size)
    parts = []
    for first in range(0, order.size, SORTED_TOGETHER):
        some = order[first : first + SORTED_TOGETHER]
        some = some[np.argsort(cut.lengths[some], kind="stable")]
        parts += [Chunks(cut.starts[part], cut.lengths[part]) for part in _parts(some, cut.lengths, targets)]
    return [parts[place] for place in draw.permutation(len(parts))]


def _parts(order: I64, lengths: I64, targets: int) -> Iterator[I64]:
    total = np.concatenate([[0], np.cumsum(lengths[order])])
    start = 0
    while start < order.size:
        stop = max(int(np.searchsorted(total, total[start] + targets, "right")) - 1, start + 1)
        yield order[start:stop]
        start = stop


def batch(items: I32, cut: Chunks) -> Batch:
    """The rectangle of these chunks of `items` (n,)."""
    steps = np.arange(cut.lengths.max())
    used = steps < cut.lengths[:, None]
    places = np.minimum(cut.starts[:, None] + steps, items.size - 2)
    return Batch(items[places], used, items[places + 1][used])


def windows(sequences: Sequences, length: int) -> list[tuple[Chunks, I64]]:
    """Where the newest slice is predicted: chunks, and in each the first position that counts.

    A chunk is at most `length` long, of which the first half only leads up to what counts.
    """
    step = max(1, length // 2)
    first = np.maximum(sequences.known, sequences.starts + 1)  # place of the first target
    counts = np.maximum(-(-(sequences.ends - first) // step), 0)
    owner = np.repeat(np.arange(first.size), counts)
    number = np.arange(owner.size) - np.repeat(np.cumsum(counts) - counts, counts)
    begin = first[owner] + number * step - 1  # position before the first target of the chunk
    end = np.minimum(begin + step, sequences.ends[owner] - 1)
    lead = np.maximum(begin - (length - step), sequences.starts[owner])
    order = np.argsort(end - lead, kind="stable")
    found = []
    for part in _parts(order, end - lead, 4 * SORTED_TOGETHER):
        found.append((Chunks(lead[part], (end - lead)[part]), (begin - lead)[part]))
    return found

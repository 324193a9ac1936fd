"""The text of ids, row by row, in one run of bytes instead of one object per id."""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import I32, I64, U8, longer
from streamproc_models.kernel import tight

USED, LIVE = 0, 1  # places in `counters`: bytes written, bytes that a row still points at


class Ids(NamedTuple):
    """Row -> UTF-8 bytes data[start : start + length]."""

    data: U8
    start: I64  # (rows,)
    length: I32  # (rows,)
    counters: I64  # (2,)


def empty(rows: int) -> Ids:
    """Room for `rows` rows and no text yet."""
    return Ids(
        np.zeros(16 * rows, np.uint8),
        np.zeros(rows, np.int64),
        np.zeros(rows, np.int32),
        np.zeros(2, np.int64),
    )


def reserve(ids: Ids, rows: int, text: int) -> Ids:
    """Room for `rows` rows and `text` more bytes; text that no row points at any more is squeezed out."""
    if ids.start.size < rows:
        ids = ids._replace(start=longer(ids.start, rows), length=longer(ids.length, rows))
    if ids.counters[USED] + text <= ids.data.size:
        return ids
    size = max(ids.data.size, 2 * (int(ids.counters[LIVE]) + text))
    data = np.zeros(size, np.uint8)
    ids.counters[USED] = _squeeze(ids, data)
    return ids._replace(data=data)


def text(ids: Ids, rows: I32) -> list[bytes]:
    """The ids of some rows."""
    whole = ids.data.data
    starts, ends = ids.start[rows], ids.start[rows] + ids.length[rows]
    return [bytes(whole[a:b]) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]


def joined(ids: Ids, rows: int) -> U8:
    """The texts of the first `rows` rows, one after the other."""
    data = np.zeros(int(ids.length[:rows].sum()), np.uint8)
    _join(ids, rows, data)
    return data


@tight
def store(ids: Ids, row: int, data: U8, start: int, end: int) -> None:
    """The id of `row` is data[start:end]; room must have been reserved."""
    at = ids.counters[USED]
    for place in range(start, end):
        ids.data[at + place - start] = data[place]
    ids.counters[LIVE] += end - start - ids.length[row]
    ids.start[row] = at
    ids.length[row] = end - start
    ids.counters[USED] = at + end - start


@tight
def clear(ids: Ids, row: int) -> None:
    """`row` has no id any more."""
    ids.counters[LIVE] -= ids.length[row]
    ids.length[row] = 0


@tight
def _join(ids: Ids, rows: int, data: U8) -> None:
    at = 0
    for row in range(rows):
        for place in range(ids.length[row]):
            data[at] = ids.data[ids.start[row] + place]
            at += 1


@tight
def _squeeze(ids: Ids, data: U8) -> int:
    at = 0
    for row in range(ids.start.size):
        for place in range(ids.length[row]):
            data[at + place] = ids.data[ids.start[row] + place]
        ids.start[row] = at
        at += ids.length[row]
    return at

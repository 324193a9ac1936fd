"""Users' states to packed bytes and back, compiled; the layout is that of contracts/users.py."""

import numpy as np

from streamproc.contracts.users import ENCODER_AT, HEAD_WORDS, VECTOR_BITS, VERSION
from streamproc.engine import ids, seen
from streamproc.engine.ids import Ids
from streamproc.engine.seen import Seen
from streamproc.engine.window_arrays import LENGTH, PAGE, Windows
from streamproc.engine.window_kernels import enter
from streamproc.engine.window_pages import back, grow
from streamproc_models.arrays import I16, I32, I64, U8, U32, U64
from streamproc_models.kernel import tight


@tight
def _words(size: int, width: int) -> int:
    """8-byte words that hold `size` values of `width` bytes."""
    return (size * width + 7) // 8


@tight
def measure(w: Windows, s: Seen, rows: I32, ends: I64) -> int:
    """Sets ends[k] = where the state of rows[k] ends, in words; returns the whole length in words."""
    at = 0
    for k in range(rows.size):
        row = rows[k]
        length, known = w.length[row], min(w.known[row], w.ids.shape[1])
        at += HEAD_WORDS + length + _words(length, 4) + _words(length, 1) + known
        at += _words(w.vectors.shape[1], 2) + _words(_encoded(w, row), 2) + _count(s, row)
        ends[k] = at
    return at


@tight
def _encoded(w: Windows, row: int) -> int:
    """Numbers in the user's state by the encoder."""
    return w.encoded.shape[1] if row < w.encoder.size and w.encoder[row] > 0 else 0


@tight
def _count(s: Seen, row: int) -> int:
    n, entry = 0, s.latest[row]
    while entry >= 0:
        n += 1
        entry = s.earlier[entry]
    return n


@tight
def pack(w: Windows, s: Seen, rows: I32, ends: I64, b64: U64, b32: U32, b16: I16, b8: U8) -> None:
    """Writes the states of `rows`, one after the other, into one buffer given as four views."""
    for k in range(rows.size):
        row, at = rows[k], ends[k - 1] if k > 0 else 0
        length, known = w.length[row], min(w.known[row], w.ids.shape[1])
        b8[8 * at], b8[8 * at + 1], b16[4 * at + 1] = VERSION, known, length
        b32[2 * at + 1] = w.vectors.shape[1] + (_count(s, row) << VECTOR_BITS)
        b64[at + 1], b64[at + 2] = np.uint64(w.newest[row]), np.uint64(w.offset[row])
        b64[at + 3], b64[at + 4], b64[at + 5] = w.source[row], np.uint64(w.sequence[row]), w.session[row]
        encoded = _encoded(w, row)
        b32[2 * at + ENCODER_AT] = w.encoder[row] if encoded > 0 else 0
        b16[4 * at + 2 * ENCODER_AT + 2] = encoded
        at = _pack_window(w, row, length, at + HEAD_WORDS, b64, b32, b8)
        for d in range(known):
            b64[at + d] = w.ids[row, (w.known[row] - known + d) % w.ids.shape[1]]
        at += known
        for f in range(w.vectors.shape[1]):
            b16[4 * at + f] = w.vectors[row, f]
        at += _words(w.vectors.shape[1], 2)
        for f in range(encoded):
            b16[4 * at + f] = w.encoded[row, f]
        entry, place = s.latest[row], ends[k] - 1
        while entry >= 0:
            b64[place] = s.item[entry]
            place -= 1
            entry = s.earlier[entry]


@tight
def _pack_window(w: Windows, row: int, length: int, at: int, b64: U64, b32: U32, b8: U8) -> int:
    times = at + length
    flags = times + _words(length, 4)
    page, place = w.page[row], w.place[row]
    for d in range(length - 1, -1, -1):
        b64[at + d] = w.items[page, place]
        b32[2 * times + d] = w.times[page, place]
        b8[8 * flags + d] = w.flags[page, place]
        page, place = back(w.older, page, place, 1)
    return flags + _words(length, 1)


@tight
def unpack(
    w: Windows, s: Seen, names: Ids, order: I64, starts: I64, users: U64, text: U8, text_ends: I64,
    b64: U64, b32: U32, b16: I16, b8: U8,
) -> None:  # fmt: skip
    """Enters the states that begin at word starts[k], in the given order: the coldest first."""
    for q in range(order.size):
        k = order[q]
        at, row = starts[k], enter(w, users[k])
        if names.length[row] > 0:
            seen.forget(s, row)
        ids.store(names, row, text, text_ends[k - 1] if k > 0 else 0, text_ends[k])
        known, length = int(b8[8 * at + 1]), int(b16[4 * at + 1])
        numbers, had = _counts(b32[2 * at + 1])
        w.newest[row], w.offset[row] = np.int64(b64[at + 1]), np.int64(b64[at + 2])
        w.source[row], w.sequence[row], w.session[row] = b64[at + 3], np.int64(b64[at + 4]), b64[at + 5]
        generation, encoded = int(b32[2 * at + ENCODER_AT]), int(b16[4 * at + 2 * ENCODER_AT + 2])
        at = _unpack_window(w, row, length, at + HEAD_WORDS, b64, b32, b8)
        for d in range(min(known, w.ids.shape[1])):
            w.ids[row, d] = b64[at + max(known - w.ids.shape[1], 0) + d]
        w.known[row] = min(known, w.ids.shape[1])
        at += known
        for f in range(min(numbers, w.vectors.shape[1])):
            w.vectors[row, f] = b16[4 * at + f]
        at += _words(numbers, 2)
        if row < w.encoder.size:
            _unpack_encoded(w, row, generation, encoded, b16[4 * at :])
        at += _words(encoded, 2)
        for d in range(had):
            seen.add(s, row, users[k], b64[at + d])


@tight
def _unpack_encoded(w: Windows, row: int, generation: int, encoded: int, b16: I16) -> None:
    """A state of another size is none: it is worked out again from the window."""
    w.encoder[row] = generation if encoded == w.encoded.shape[1] else 0
    for f in range(min(encoded, w.encoded.shape[1])):
        w.encoded[row, f] = b16[f]


@tight
def _counts(both: int) -> tuple[int, int]:
    """Numbers in the vectors, and items seen."""
    return int(both & ((1 << VECTOR_BITS) - 1)), int(both >> VECTOR_BITS)


@tight
def _unpack_window(w: Windows, row: int, length: int, at: int, b64: U64, b32: U32, b8: U8) -> int:
    times = at + length
    flags = times + _words(length, 4)
    for first in range(length - min(length, w.bounds[LENGTH]), length, PAGE):
        grow(w, row)  # by the first place of a page
        page, filled = w.page[row], min(length - first, PAGE)
        for place in range(filled):
            w.items[page, place] = b64[at + first + place]
            w.times[page, place] = b32[2 * times + first + place]
            w.flags[page, place] = b8[8 * flags + first + place]
        w.place[row] += filled - 1
        w.length[row] += filled - 1
    return flags + _words(length, 1)

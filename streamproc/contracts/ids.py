"""Strings in bulk: many ids as one array of bytes, hashed without a Python object for each.

Ids travel joined by line feeds, which no id may hold: it is a control character.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import I64, U8, U64, Bool
from streamproc_models.hashing import hash_range, hash_strings, splitmix
from streamproc_models.kernel import kernel, tight

MAX_ID_CHARACTERS = 256
MAX_DIGITS = 18  # of the number of a sequenced id, so that it fits an int64

_LINE_FEED, _SPACE, _DELETE = 0x0A, 0x20, 0x7F
_C1_LEAD, _C1_END = 0xC2, 0xA0  # U+0080 to U+009F are C2 80 to C2 9F in UTF-8
_ZERO, _NINE, _COLON = 0x30, 0x39, 0x3A
_PREFIX = np.frombuffer(b"seq:", np.uint8)


class Strings(NamedTuple):
    """n strings one after the other."""

    data: U8  # UTF-8 bytes of all, joined
    ends: I64  # (n,), end of each string in data


def strings(texts: Sequence[bytes]) -> Strings:
    """Pack separate strings."""
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    data = np.frombuffer(bytearray().join(texts), np.uint8)  # writable: see the journal's arrays
    return Strings(data, ends)


def texts(packed: Strings) -> list[bytes]:
    """The separate strings."""
    data = packed.data.tobytes()
    ends = packed.ends.tolist()
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def lengths(packed: Strings) -> I64:
    """Bytes (n,) of each string."""
    sizes = packed.ends.copy()
    sizes[1:] -= packed.ends[:-1]  # several times faster than numpy's diff with `prepend` for a short batch
    return sizes


def select_strings(packed: Strings, mask: Bool) -> Strings:
    """The strings where `mask` (n,) is true, in order."""
    sizes = lengths(packed)
    return Strings(packed.data[np.repeat(mask, sizes)], np.cumsum(sizes[mask]))


def span_strings(packed: Strings, start: int, stop: int) -> Strings:
    """The strings start..stop-1; the bytes are a view."""
    first = int(packed.ends[start - 1]) if start else 0
    ends = packed.ends[start:stop]
    last = int(ends[-1]) if ends.size else first
    return Strings(packed.data[first:last], ends - first)


def split(joined: str, count: int) -> tuple[Strings, bool]:
    """`count` ids out of their text joined by line feeds, and whether all are clean.

    Not clean: some id holds a control character, or a line feed of its own; then the strings
    mean nothing.
    """
    if count == 0:
        return strings([]), True
    data, ends, clean = _split(np.frombuffer(joined.encode(), np.uint8), count)
    return Strings(data, ends), clean


@kernel
def _split(joined: U8, count: int) -> tuple[U8, I64, bool]:
    data, ends = np.empty(joined.size, np.uint8), np.empty(count, np.int64)
    clean = _control_characters(joined) == count - 1  # the line feeds in between
    place, size = 0, 0
    for byte in joined:
        data[size] = byte
        size += byte != _LINE_FEED
        if byte == _LINE_FEED and place < count - 1:
            ends[place] = size
            place += 1
    ends[place] = size
    return data[:size], ends, clean and place == count - 1


@tight
def _control_characters(text: U8) -> int:
    count = 0
    for byte in text:
        count += (byte < _SPACE) | (byte == _DELETE)
    for place in range(1, text.size):
        count += (text[place - 1] == _C1_LEAD) & (text[place] < _C1_END)
    return count


def hashes(packed: Strings) -> U64:
    """Hashes (n,) of the strings; 0 for an empty one, which stands for a missing id."""
    return np.where(lengths(packed) > 0, hash_strings(*packed), np.uint64(0))


@kernel
def event_keys(data: U8, ends: I64, offsets: I64, partition: int) -> tuple[U64, I64]:
    """Keys and sequence numbers (n,) of the event ids in `data`, `ends`.

    An id `seq:<source>:<number>` gives the hash of its source, and its number; any other id its
    hash, and -1; an empty one a key made of the record's partition and offset, and -1.
    """
    keys, sequences = np.empty(ends.size, np.uint64), np.full(ends.size, -1, np.int64)
    start = 0
    for place in range(ends.size):
        end = ends[place]
        colon = _number_start(data, start, end) - 1
        if end == start:
            place_key = splitmix(splitmix(np.uint64(partition + 1)) ^ np.uint64(offsets[place]))
            keys[place] = max(place_key, np.uint64(1))
        elif colon > start + _PREFIX.size and _starts_with_prefix(data, start, end):
            keys[place] = hash_range(data, start + _PREFIX.size, colon)
            sequences[place] = _number(data, colon + 1, end)
        else:
            keys[place] = hash_range(data, start, end)
        start = end
    return keys, sequences


@tight
def _number_start(data: U8, start: int, end: int) -> int:
    """Where the digits after the last colon begin; -1 if the id does not end like that."""
    place = end
    while place > start and _ZERO <= data[place - 1] <= _NINE and end - place <= MAX_DIGITS:
        place -= 1
    good = place > start and data[place - 1] == _COLON and 0 < end - place <= MAX_DIGITS
    return place if good else -1


@tight
def _starts_with_prefix(data: U8, start: int, end: int) -> bool:
    if end - start < _PREFIX.size:
        return False
    for place in range(_PREFIX.size):
        if data[start + place] != _PREFIX[place]:
            return False
    return True


@tight
def _number(data: U8, start: int, end: int) -> np.int64:
    number = np.int64(0)
    for place in range(start, end):
        number = number * 10 + np.int64(data[place]) - _ZERO
    return number

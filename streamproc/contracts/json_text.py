"""JSON written by kernels: each writes into `out` from `at` on and returns where it stopped.

There is no check of the room: the caller reserves it (20 bytes a number, ESCAPED a byte of text).
"""

import numpy as np
from numpy.typing import NDArray

from streamproc_models.arrays import F32, I64, U8
from streamproc_models.kernel import tight

DECIMALS = 5
LARGEST = 1e9  # a number beyond it is written as it
ESCAPED = 6  # bytes that one byte of text takes at most

_UNIT = 10**DECIMALS
_QUOTE, _BACKSLASH, _SPACE, _MINUS, _POINT, _ZERO = 0x22, 0x5C, 0x20, 0x2D, 0x2E, 0x30
_UNICODE = np.frombuffer(b"\\u00", np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def decimal(numbers: F32) -> I64:
    """Numbers in units of the last decimal, for `fixed`; NaN becomes the least."""
    known = np.fmin(np.fmax(numbers.astype(np.float64), -LARGEST), LARGEST)
    units: NDArray[np.int64] = np.rint(known * _UNIT).astype(np.int64)
    return units


@tight
def copy(out: U8, at: int, text: U8) -> int:
    """`text` as it is."""
    to = np.uint64(at)  # unsigned: a signed index is checked for counting from the end, and no SIMD
    for place in range(np.uint64(text.size)):
        out[to + place] = text[place]
    return at + text.size


@tight
def whole(out: U8, at: int, number: int) -> int:
    """An integer."""
    left = np.int64(number)
    if left < 0:
        out[at] = _MINUS
        at += 1
        left = -left
    digits, bound = 1, np.int64(10)
    while left >= bound and digits < 19:
        bound *= 10
        digits += 1
    _digits(out, at, digits, left)
    return at + digits


@tight
def fixed(out: U8, at: int, units: int) -> int:
    """A number with DECIMALS decimals, given in units of the last one."""
    left = np.int64(units)
    if left < 0:
        out[at] = _MINUS
        at += 1
        left = -left
    at = whole(out, at, left // _UNIT)
    out[at] = _POINT
    _digits(out, at + 1, DECIMALS, left % _UNIT)
    return at + 1 + DECIMALS


@tight
def _digits(out: U8, at: int, count: int, number: np.int64) -> None:
    """The last `count` digits."""
    left, place = np.uint64(number), np.uint64(at + count)
    for _ in range(count):
        place -= np.uint64(1)
        out[place] = np.uint64(_ZERO) + left % np.uint64(10)
        left //= np.uint64(10)


@tight
def hexadecimal(out: U8, at: int, number: np.uint64) -> int:
    """16 hexadecimal digits."""
    for place in range(16):
        shift = np.uint64(60 - 4 * place)
        out[at + place] = _HEX[np.int64((number >> shift) & np.uint64(15))]
    return at + 16


@tight
def quoted(out: U8, at: int, data: U8, start: int, end: int) -> int:
    """The UTF-8 text data[start:end] as a JSON string."""
    out[at] = _QUOTE
    at += 1
    if _plain(data, start, end):
        at = copy(out, at, data[start:end])
    else:
        at = _escaped(out, at, data, start, end)
    out[at] = _QUOTE
    return at + 1


@tight
def _plain(data: U8, start: int, end: int) -> bool:
    special = 0
    for place in range(np.uint64(start), np.uint64(end)):
        byte = data[place]
        special += int(byte < _SPACE) + int(byte == _QUOTE) + int(byte == _BACKSLASH)
    return special == 0


@tight
def _escaped(out: U8, at: int, data: U8, start: int, end: int) -> int:
    for place in range(start, end):
        byte = data[place]
        if byte < _SPACE:
            at = copy(out, at, _UNICODE)
            out[at], out[at + 1] = _HEX[byte >> 4], _HEX[byte & 15]
            at += 2
            continue
        if byte == _QUOTE or byte == _BACKSLASH:
            out[at] = _BACKSLASH
            at += 1
        out[at] = byte
        at += 1
    return at

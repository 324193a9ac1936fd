"""Kafka's record batches (format 2), written without an object for each record.

    base offset 8 | length 4 | leader epoch 4 | magic 1 | crc 4 | attributes 2 | last offset delta 4 |
    first time 8 | last time 8 | producer id 8, epoch 2 | base sequence 4 | records 4, then the records

All numbers are big-endian; a record counts in zigzag varints. The crc covers what comes behind it.
"""

import struct

import numpy as np

from streamproc.contracts.ids import Strings
from streamproc.contracts.json_text import copy
from streamproc_models.arrays import I64, U8
from streamproc_models.kernel import tight

HEADER = struct.Struct(">qiibIhiqqqhii")
SEALED_AT = 21  # the crc covers the bytes from there on
_LENGTH_AT, _CRC_AT, _PRODUCER_AT = 12, 17, 43
_PRODUCER = struct.Struct(">qhi")
_CRC = struct.Struct(">I")
_NO_EPOCH, _MAGIC = -1, 2
_OVERHEAD = 32  # bytes of a record at most, without its key and value


def batch(keys: Strings, values: Strings, start: int, limit: int, time: int) -> tuple[U8, int]:
    """A batch of records start..stop-1, and stop: as many as fit into `limit` bytes, at least one.

    `time` (ms) is that of all records. The producer and the crc are still to be set.
    """
    sizes = values.ends - (values.ends[start - 1] if start else 0)
    sizes += (
        keys.ends - (keys.ends[start - 1] if start else 0) + _OVERHEAD * (np.arange(sizes.size) - start + 1)
    )
    stop = max(start + 1, int(np.searchsorted(sizes, limit - HEADER.size, "right")))
    out = np.empty(HEADER.size + int(sizes[stop - 1]), np.uint8)
    size = _write(keys.data, keys.ends, values.data, values.ends, start, stop, out, HEADER.size)
    count = stop - start
    HEADER.pack_into(
        out.data, 0, 0, size - _LENGTH_AT, _NO_EPOCH, _MAGIC, 0, 0, count - 1, time, time, -1, -1, -1, count
    )  # fmt: skip
    return out[:size], stop


def set_producer(whole: U8, producer: int, epoch: int, sequence: int) -> None:
    """Who sends the batch, and the number of its first record among the sender's."""
    _PRODUCER.pack_into(whole.data, _PRODUCER_AT, producer, epoch, sequence)


def seal(whole: U8, crc: int) -> None:
    """Last of all: the crc-32c of the bytes from SEALED_AT on."""
    _CRC.pack_into(whole.data, _CRC_AT, crc)


@tight
def _write(
    key_data: U8, key_ends: I64, value_data: U8, value_ends: I64, start: int, stop: int, out: U8, at: int
) -> int:
    for record in range(start, stop):
        key, value = key_ends[record - 1] if record else 0, value_ends[record - 1] if record else 0
        key_size, value_size = key_ends[record] - key, value_ends[record] - value
        number = record - start
        head = 2 + _size(number) + _size(key_size) + _size(value_size)
        at = _varint(out, at, head + key_size + value_size + 1)
        out[at], out[at + 1] = 0, 0  # attributes, and milliseconds after the first record
        at = _varint(out, at + 2, number)
        at = copy(out, _varint(out, at, key_size), key_data[key : key + key_size])
        at = copy(out, _varint(out, at, value_size), value_data[value : value + value_size])
        out[at] = 0  # headers
        at += 1
    return at


@tight
def _size(number: int) -> int:
    """Bytes of a varint."""
    left, size = number >> 6, 1  # zigzag doubles it
    while left:
        left >>= 7
        size += 1
    return size


@tight
def _varint(out: U8, at: int, number: int) -> int:
    left = number << 1
    while left > 127:
        out[at] = (left & 127) | 128
        left >>= 7
        at += 1
    out[at] = left
    return at + 1

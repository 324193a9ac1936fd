"""Records of the journal, the one truth: accepted events, decisions, and a generation's arrays.

The first byte of a value is its kind, the second its version. An events record holds every accepted
event of one source partition in (prev, upto]; `Reader` has the rule by which such records count.
All numbers are little-endian; every array starts at a multiple of 8 bytes.
"""

import hashlib
import struct
from typing import Any, ClassVar, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.contracts.columns import DTYPES, EventColumns, select, span
from streamproc.contracts.control import Control, Generation
from streamproc.contracts.ids import Strings, lengths
from streamproc.errors import BadRecord
from streamproc_models.arrays import U8

EVENTS, CONTROL, CHUNK = 1, 2, 3
VERSION = 1
MAX_RECORD_BYTES = 900_000  # Kafka's default limit is 1 MiB for a whole batch
CHUNK_BYTES = 512 * 1024
NOTHING_READ = -1  # `highest` and `prev` of a partition that no record speaks of yet

_EVENTS = struct.Struct("<BBHIqq")  # kind, version, source partition, n, prev, upto
_CHUNK = struct.Struct("<BBxxIQ")  # kind, version, number, generation
_LENGTH = np.dtype("<u2")  # of an id in bytes
_PADDING = 8 * (len(DTYPES) + 4)  # at most, of the arrays of one record
_FIXED_BYTES = sum(dtype.itemsize for dtype in DTYPES) + 2 * _LENGTH.itemsize  # of an event, without its ids


class EventsRecord(NamedTuple):
    """Every accepted event of `partition` with an offset in (prev, upto]."""

    partition: int
    prev: int
    upto: int
    columns: EventColumns


class Chunk(NamedTuple):
    """One piece of a generation's arrays."""

    generation: int
    number: int  # of the piece, from 0
    data: bytes


def unpack(value: bytes) -> EventsRecord | Control | Chunk:
    """What a journal record says; BadRecord if this version cannot read it."""
    kind = value[0] if value else None
    if kind == EVENTS:
        return unpack_events(value)
    if kind == CONTROL:
        return unpack_control(value)
    if kind == CHUNK:
        return _unpack_chunk(value)
    raise BadRecord(f"journal record of unknown kind {kind}", "Read it with the version that wrote it")


def pack_events(partition: int, prev: int, upto: int, columns: EventColumns) -> bytes:
    """One events record; `split` keeps it under the limit of Kafka."""
    arrays: list[NDArray[Any]] = [*columns[:10]]
    arrays = [array.astype(dtype, copy=False) for array, dtype in zip(arrays, DTYPES, strict=True)]
    for packed in (columns.user_ids, columns.item_ids):
        arrays += [lengths(packed).astype(_LENGTH), packed.data]
    pieces = [_EVENTS.pack(EVENTS, VERSION, partition, columns.offsets.size, prev, upto)]
    for array in arrays:
        pieces += [array.tobytes(), bytes(-array.nbytes % 8)]
    return b"".join(pieces)


def unpack_events(value: bytes) -> EventsRecord:
    """An events record back; the columns are writable views of one copy of `value`."""
    _check(value, EVENTS, _EVENTS.size)
    _, _, partition, count, prev, upto = _EVENTS.unpack_from(value)
    arrays = _Arrays(value, _EVENTS.size)
    try:
        columns = [arrays.take(dtype, count) for dtype in DTYPES]
        ids = [arrays.strings(count) for _ in range(2)]
    except ValueError as error:
        raise BadRecord(f"journal record of {len(value)} bytes is cut short: {error}") from None
    return EventsRecord(partition, prev, upto, EventColumns._make([*columns, *ids]))


class _Arrays:
    """The arrays of a record, one after the other.

    They are writable because a kernel is compiled anew for arrays that are not.
    """

    def __init__(self, value: bytes, start: int) -> None:
        self._bytes = bytearray(value)
        self._place = start

    def take(self, dtype: np.dtype[np.generic], count: int) -> NDArray[np.generic]:
        array = np.frombuffer(self._bytes, dtype, count, self._place) if count else np.empty(0, dtype)
        self._place += array.nbytes + -array.nbytes % 8
        return array

    def strings(self, count: int) -> Strings:
        ends = np.cumsum(self.take(_LENGTH, count), dtype=np.int64)
        data = self.take(np.dtype(np.uint8), int(ends[-1]) if count else 0)
        return Strings(data.view(np.uint8), ends)


def split(columns: EventColumns, max_bytes: int = MAX_RECORD_BYTES) -> list[EventColumns]:
    """The events in as few parts as fit records of `max_bytes`; one empty part if there are none."""
    sizes = lengths(columns.user_ids) + lengths(columns.item_ids) + _FIXED_BYTES
    total = np.concatenate([[0], np.cumsum(sizes)])  # bytes before each event
    room = max_bytes - _EVENTS.size - _PADDING
    parts, start = [], 0
    while start < sizes.size:
        stop = max(int(np.searchsorted(total, total[start] + room, "right")) - 1, start + 1)
        parts.append(span(columns, start, stop))
        start = stop
    return parts or [columns]


def pack_range(
    partition: int, prev: int, upto: int, columns: EventColumns, max_bytes: int = MAX_RECORD_BYTES
) -> list[bytes]:
    """(prev, upto] as events records that follow one another; mostly one. Await each before the next."""
    parts = split(columns, max_bytes)
    ends = [int(part.offsets[-1]) for part in parts[:-1]] + [upto]
    return [
        pack_events(partition, before, end, part)
        for before, end, part in zip([prev, *ends], ends, parts, strict=False)
    ]


def pack_control(control: Control) -> bytes:
    """One decision as a record."""
    return bytes([CONTROL, VERSION]) + msgspec.json.encode(control)


def unpack_control(value: bytes) -> Control:
    """A decision back; BadRecord if this version does not know it: it must not be skipped."""
    _check(value, CONTROL, 2)
    try:
        control: Control = msgspec.json.decode(memoryview(value)[2:], type=Control)
    except msgspec.MsgspecError as error:
        raise BadRecord(f"control record: {error}", "Read it with the version that wrote it") from None
    return control


def pack_chunk(chunk: Chunk) -> bytes:
    """One piece of a generation as a record."""
    return _CHUNK.pack(CHUNK, VERSION, chunk.number, chunk.generation) + chunk.data


def _unpack_chunk(value: bytes) -> Chunk:
    _check(value, CHUNK, _CHUNK.size)
    _, _, number, generation = _CHUNK.unpack_from(value)
    return Chunk(generation, number, value[_CHUNK.size :])


def _check(value: bytes, kind: int, size: int) -> None:
    if len(value) < size or value[0] != kind:
        raise BadRecord(f"journal record of {len(value)} bytes is not of kind {kind}")
    if value[1] != VERSION:
        raise BadRecord(f"journal record of version {value[1]}; this version reads {VERSION}")


class Reader:
    """The rule by which trainer and restore count events records, per source partition.

    A record counts if prev <= highest < upto, from highest + 1 on; so what zombies, repeats and late
    appends add to the journal changes nothing.
    """

    def __init__(self, highest: dict[int, int] | None = None) -> None:
        self.highest = dict(highest or {})  # newest offset that counted, per source partition
        self.stale = 0  # records with nothing new
        self.overlap = 0  # records that are partly new
        self.broken = 0  # records behind a gap: an alarm, since no right writer leaves one

    def accept(self, record: EventsRecord) -> EventColumns | None:
        """The events of `record` that count (there may be none), or None if it is to be ignored."""
        highest = self.highest.get(record.partition, NOTHING_READ)
        if record.upto <= highest:
            self.stale += 1
            return None
        if record.prev > highest:
            self.broken += 1
            return None
        self.highest[record.partition] = record.upto
        if record.prev == highest:
            return record.columns
        self.overlap += 1
        return select(record.columns, record.columns.offsets > highest)


class Cut(NamedTuple):
    """A generation's arrays as chunk records, and what its `Generation` record must say of them."""

    records: list[bytes]
    sha256: str


def cut(generation: int, arrays: dict[str, NDArray[np.generic]]) -> Cut:
    """The arrays as safetensors, in records of at most CHUNK_BYTES and a header."""
    from safetensors.numpy import save  # here: slow to import, and only a refresh writes

    whole = save(arrays)
    pieces = [whole[start : start + CHUNK_BYTES] for start in range(0, len(whole), CHUNK_BYTES)]
    records = [pack_chunk(Chunk(generation, index, piece)) for index, piece in enumerate(pieces)]
    return Cut(records, hashlib.sha256(whole).hexdigest())


class Assembler:
    """Chunks on their way to be a generation again; part of the state that a snapshot keeps."""

    KEPT: ClassVar = 2  # unfinished generations, newest ids; a refresh that died leaves one behind

    def __init__(self) -> None:
        self._pieces: dict[int, dict[int, bytes]] = {}

    def add(self, chunk: Chunk) -> None:
        """Keep a chunk; a repeated one replaces itself."""
        self._pieces.setdefault(chunk.generation, {})[chunk.number] = chunk.data
        if len(self._pieces) > self.KEPT:
            del self._pieces[min(self._pieces)]

    def finish(self, generation: Generation) -> dict[str, NDArray[np.generic]]:
        """The arrays of a complete generation, which is then forgotten here; BadRecord if it is damaged."""
        from safetensors.numpy import load

        pieces = self._pieces.pop(generation.id, {})
        whole = b"".join(pieces[index] for index in sorted(pieces))
        if hashlib.sha256(whole).hexdigest() != generation.sha256:
            found = f"{len(pieces)} of {generation.chunks} chunks"
            raise BadRecord(f"generation {generation.id} is not whole: {found}", "The next one replaces it")
        return dict(load(whole))

    def arrays(self) -> dict[str, U8]:
        """What is kept, for a snapshot."""
        return {
            f"{generation}.{index}": np.frombuffer(piece, np.uint8)
            for generation, pieces in self._pieces.items()
            for index, piece in pieces.items()
        }

    def restore(self, arrays: dict[str, U8]) -> None:
        """Take over what `arrays` gave."""
        self._pieces = {}
        for name in arrays:
            generation, index = map(int, name.split("."))
            self.add(Chunk(generation, index, arrays[name].tobytes()))

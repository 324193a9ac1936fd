"""Opening an event file, whatever it is packed in, and never holding more than a row of it.

The packing is recognised by the first bytes, not by the name. A file that unpacks to something huge (a
decompression bomb) costs time, not memory: unpacking stops where the reader stops, and a row has a limit.
"""

import gzip
import hashlib
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

import zstandard

from streamproc.errors import BadFile

BLOCK = 1 << 18  # bytes unpacked at a time
ZSTD_BLOCK = 1 << 10  # bytes
XZ_MEMORY = 1 << 28  # bytes that an .xz file may ask for
SOURCE_DIGITS = 16  # of the file's sha256, enough to tell files apart
UNPACKING_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


class RowTooLong(Exception):
    """A row above the limit was passed over; reading may go on after it."""


class Opened(NamedTuple):
    """An open file of events."""

    stream: io.BufferedReader  # unpacked
    packed: io.BufferedReader  # the same file as it is on disk; its position shows the progress


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open and unpack; raises BadFile that names the file."""
    try:
        packed = path.open("rb")
    except OSError as error:
        raise BadFile(f"cannot open {path}: {error.strerror}", "Check the path") from None
    with packed:
        yield Opened(_unpacked(packed), packed)


def size_of(path: Path) -> int:
    """Bytes on disk. Raises BadFile."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadFile(f"cannot open {path}: {error.strerror}", "Check the path") from None


def source_of(path: Path) -> str:
    """What names the file in its event ids: the start of the sha256 of its bytes on disk."""
    with opened(path) as file:
        try:
            return hashlib.file_digest(file.packed, "sha256").hexdigest()[:SOURCE_DIGITS]
        except OSError as error:
            raise BadFile(f"cannot read {path}: {error.strerror}", "Check the path") from None


def _unpacked(packed: io.BufferedReader) -> io.BufferedReader:
    start = packed.peek(6)[:6] if packed.seekable() else b""
    if start.startswith(b"\x1f\x8b"):
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=packed)), BLOCK)
    if start == b"\xfd7zXZ\x00":
        return io.BufferedReader(_Pieces(packed, _XzPieces()), BLOCK)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return io.BufferedReader(_Pieces(packed, _ZstdPieces()), BLOCK)
    return packed


class _Unpacker(Protocol):
    def piece(self, packed: BinaryIO, size: int) -> bytes | memoryview: ...


class _Pieces(io.RawIOBase):
    """A readable stream over something that unpacks at most so many bytes at a time."""

    def __init__(self, packed: BinaryIO, unpacker: _Unpacker) -> None:
        self._packed = packed
        self._unpacker = unpacker

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._unpacker.piece(self._packed, len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class _XzPieces:
    """Streams of .xz, one after the other; unlike lzma.LZMAFile with a limit on the memory they ask for."""

    def __init__(self) -> None:
        self._unpacker = lzma.LZMADecompressor(memlimit=XZ_MEMORY)

    def piece(self, packed: BinaryIO, size: int) -> bytes:
        while True:
            if self._unpacker.eof:
                if _at_end(packed, self._unpacker.unused_data):
                    return b""
                self._unpacker = lzma.LZMADecompressor(memlimit=XZ_MEMORY)
            needed = self._unpacker.needs_input
            if piece := self._unpacker.decompress(_some(packed, BLOCK) if needed else b"", size):
                return piece


class _ZstdPieces:
    """Frames of .zst, one after the other; unlike zstandard's reader it tells when the last one is cut off.

    An unpacker gives all that its input holds, up to 128 kB for 3 bytes: so it gets little at a time.
    """

    def __init__(self) -> None:
        self._unpacker = zstandard.ZstdDecompressor().decompressobj()
        self._waiting = memoryview(b"")  # unpacked and not yet asked for

    def piece(self, packed: BinaryIO, size: int) -> memoryview:
        while not self._waiting:
            if self._unpacker.eof:
                if _at_end(packed, self._unpacker.unused_data):
                    return self._waiting
                self._unpacker = zstandard.ZstdDecompressor().decompressobj()
            self._waiting = memoryview(self._unpacker.decompress(_some(packed, ZSTD_BLOCK)))
        piece, self._waiting = self._waiting[:size], self._waiting[size:]
        return piece


def _some(packed: BinaryIO, size: int) -> bytes:
    fresh = packed.read(size)
    if not fresh:
        raise EOFError("it ends in the middle")
    return fresh


def _at_end(packed: BinaryIO, unused: bytes) -> bool:
    """Whether nothing but padding follows a stream; else the file stands where the next one starts."""
    rest = (unused or packed.read(BLOCK)).lstrip(b"\x00")
    packed.seek(-len(rest), io.SEEK_CUR)
    return not rest


class Lines:
    """The lines of a stream with their ends, counted from 1; what is above the limit raises RowTooLong.

    `start_row` tells where a row starts: a row of several lines is held to the same limit.
    """

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self.number = 0
        self._readline = stream.readline
        self._limit = limit
        self._taken = 0

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> bytes:
        line = self._readline(self._limit)
        if not line:
            raise StopIteration
        self.number += 1
        self._taken += len(line)
        if self._taken >= self._limit:
            self._pass_over(line)
            raise RowTooLong(f"more than {self._limit:,} bytes")
        return line

    def start_row(self) -> None:
        self._taken = 0

    def _pass_over(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._readline(self._limit)
        self._taken = 0

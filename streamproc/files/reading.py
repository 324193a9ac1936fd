"""Event files as batches of events in JSON, in the order of their rows.

Every event gets the id `seq:<source>:<row>`, where the source is the start of the sha256 of the file, unless
the row has an id of its own: a file that is fed twice is learned once.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from streamproc.errors import BadFile
from streamproc.files.columns import Columns
from streamproc.files.opening import UNPACKING_ERRORS, opened, source_of
from streamproc.files.rows import Row, Unusable, csv_rows, is_json, json_rows
from streamproc.files.times import Span
from streamproc.files.where import Condition, Where, ready
from streamproc.files.writing import Writer, Written

BATCH = 4096  # rows
ALWAYS = Span()
Content = TypeVar("Content")


class Skipped(NamedTuple):
    """A row that gave no event."""

    line: int
    reason: str  # the same for all rows that were skipped for the same cause
    detail: str


class FileBatch(NamedTuple):
    """Some rows of a file: the events they gave, and the ones that gave none."""

    values: list[bytes]  # events in JSON
    keys: list[bytes]  # their users, UTF-8
    skipped: list[Skipped]
    position: int  # bytes of the file read so far, as it is on disk


def read_events(
    path: Path,
    columns: Columns | None = None,
    where: Sequence[Where] = (),
    source: str | None = None,
    span: Span = ALWAYS,
) -> Iterator[FileBatch]:
    """The events of a CSV or JSON Lines file, plain or packed with gzip, xz or zstd, a batch at a time.

    Without `columns` the lines of a JSON Lines file are events already, and go out as they are.
    `source` names the file in the ids of its events; None reads it from the file's bytes.
    Raises BadFile if the file cannot be opened or unpacked, or a column is missing.
    """
    prefix = f"seq:{source or source_of(path)}:"
    with opened(path) as file:
        try:
            results = _results(file.stream, columns, ready(where), span, prefix)
            while batch := _batch(results, file.packed):
                yield batch
        except UNPACKING_ERRORS as error:
            raise BadFile(f"cannot unpack {path}: {error}", "The file is damaged or cut off") from None
        except BadFile as error:
            raise BadFile(f"{path}: {error.message}", error.remedy) from None


def _batch(results: Iterator[Written | Skipped], packed: io.BufferedReader) -> FileBatch | None:
    values: list[bytes] = []
    keys: list[bytes] = []
    skipped: list[Skipped] = []
    for result in results:
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            values.append(result.value)
            keys.append(result.key)
        if len(values) + len(skipped) == BATCH:
            break
    return FileBatch(values, keys, skipped, packed.tell()) if values or skipped else None


def _results(
    stream: io.BufferedReader, columns: Columns | None, where: list[Condition], span: Span, prefix: str
) -> Iterator[Written | Skipped]:
    writer = Writer(columns or Columns(), where, span, prefix)
    if not is_json(stream):
        return _written(csv_rows(stream, columns or Columns(), where), writer.from_fields)
    return _written(json_rows(stream), writer.from_object if columns else writer.from_event)


def _written(
    rows: Iterator[Row[Content]], write: Callable[[int, Content], Written]
) -> Iterator[Written | Skipped]:
    for number, line, content in rows:
        try:
            if isinstance(content, Unusable):
                raise content
            yield write(number, content)
        except Unusable as unusable:
            yield Skipped(line, unusable.reason, unusable.detail)

"""The rows of a file as texts, from CSV or JSON Lines, in order; what is no row is told and passed over."""

import csv
import io
from collections.abc import Iterator
from operator import itemgetter, methodcaller
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from streamproc.errors import BadFile
from streamproc.files.columns import CONSTANT, COUNTED, Bound, Columns, index_of
from streamproc.files.opening import Lines, RowTooLong
from streamproc.files.where import Condition

MAX_ROW = 1_000_000  # bytes
HEADER_NEEDED = "The first line of a CSV file names its columns"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A byte that is no UTF-8 passes here as a lone surrogate, and is refused where it would become JSON.
as_text = methodcaller("decode", "utf-8", "surrogateescape")

Fields = tuple[str, ...]  # in the order of Columns
Content = TypeVar("Content")


class Unusable(Exception):
    """A row that gives no event; rows that fail alike have the same `reason`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Row(NamedTuple, Generic[Content]):
    """What the file holds at a place, or why it is of no use."""

    number: int  # of the row in the file, from 1; a CSV header is not counted
    line: int  # the last one of the row, from 1
    content: Content | Unusable


def is_json(stream: io.BufferedReader) -> bool:
    """Whether the stream holds JSON Lines, by its first character; nothing is taken from the stream."""
    return stream.peek(1024)[:1024].removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"{")


def csv_rows(stream: io.BufferedReader, columns: Columns, where: list[Condition]) -> Iterator[Row[Fields]]:
    """Rows of a CSV file with a header. Raises BadFile where the header lacks what was asked for."""
    lines = Lines(stream, MAX_ROW)
    header, delimiter = _header(lines)
    bound = columns.bind(header)
    conditions = [(condition, index_of(condition.column, header)) for condition in where]
    pick = itemgetter(*bound.places)
    reader = csv.reader(map(as_text, lines), delimiter=delimiter)
    for number, row in enumerate(_each(reader, lines), 1):
        if isinstance(row, Unusable):
            yield Row(number, lines.number, row)
        else:
            yield Row(number, lines.number, _checked(row, bound, conditions) or pick(row + bound.constants))


def _header(lines: Lines) -> tuple[list[str], str]:
    try:
        text = as_text(next(lines, b"").removeprefix(BYTE_ORDER_MARK))
    except RowTooLong as error:
        raise BadFile(f"the first line has {error}", HEADER_NEEDED) from None
    delimiter = max(",;\t", key=text.count)
    header = next(csv.reader([text], delimiter=delimiter), [])
    if not header:
        raise BadFile("the file is empty", HEADER_NEEDED)
    return header, delimiter


def _each(reader: "Iterator[list[str]]", lines: Lines) -> Iterator[list[str] | Unusable]:
    while True:
        try:
            row = next(reader, None)
        except RowTooLong as error:
            yield Unusable("too_large", str(error))
        except csv.Error as error:
            yield Unusable("not_csv", str(error))
        else:
            if row is None:
                return
            if row:
                yield row
        lines.start_row()


def _checked(row: list[str], bound: Bound, conditions: list[tuple[Condition, int]]) -> Unusable | None:
    if len(row) != bound.width:
        return Unusable("not_csv", f"{len(row)} columns where the header has {bound.width}")
    for condition, place in conditions:
        if not condition.holds(row[place]):
            return Unusable(condition.reason, f"{condition.column} is {row[place]!r}")
    return None


def json_rows(stream: io.BufferedReader) -> Iterator[Row[bytes]]:
    """Lines of a JSON Lines file as they are; empty ones are left out."""
    lines = Lines(stream, MAX_ROW)
    while True:
        try:
            line = next(lines, None)
        except RowTooLong as error:
            yield Row(lines.number, lines.number, Unusable("too_large", str(error)))
        else:
            if line is None:
                return
            if line := line.removeprefix(BYTE_ORDER_MARK).strip():
                yield Row(lines.number, lines.number, line)
        lines.start_row()


def json_record(line: bytes) -> dict[str, Any]:
    """The object on a line. Raises Unusable."""
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unusable("not_json", str(error)) from None


def json_fields(record: dict[str, Any], columns: Columns) -> Fields:
    """The fields of an object whose keys are the columns; what is not there is empty."""
    constant = CONSTANT, COUNTED
    return tuple(
        column.removeprefix(CONSTANT) if column.startswith(constant) else as_field(record.get(column))
        for column in columns.with_defaults(record)
        if column is not None
    )


def json_holds(record: dict[str, Any], where: list[Condition]) -> None:
    """Raises Unusable for the first condition that an object does not meet; what is not there is empty."""
    for condition in where:
        text = as_field(record.get(condition.column))
        if not condition.holds(text):
            raise Unusable(condition.reason, f"{condition.column} is {text!r}")


def as_field(value: Any) -> str:
    """A JSON value as the text that a CSV file would have."""
    return value if isinstance(value, str) else "" if value is None else msgspec.json.encode(value).decode()

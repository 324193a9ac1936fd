"""Which column of a file is which field of an event: `user=CustomerID,item=StockCode,ts=InvoiceDate`."""

import difflib
from collections.abc import Container, Sequence
from typing import NamedTuple, Self

from streamproc.errors import BadFile, ConfigError

CONSTANT = ":"  # type=:purchase
COUNTED = "#"  # ts=#
NAMES = {
    "user": "user_id",
    "item": "item_id",
    "ts": "ts",
    "type": "type",
    "value": "value",
    "session": "session_id",
    "event_id": "event_id",
}
NOTHING = CONSTANT  # the empty constant
FALLBACK = {**NAMES, "type": ":click", "value": NOTHING, "session": NOTHING, "event_id": NOTHING}


class Columns(NamedTuple):
    """For each field of an event the name of its column, a `:constant`, or for ts `#`: counted up.

    `#` gives a file without times a second per row from 2020-01-01 on. Fields left at None are taken from
    the column that is called like the field of an event, if there is one.
    """

    user: str | None = None
    item: str | None = None
    ts: str | None = None
    type: str | None = None
    value: str | None = None
    session: str | None = None
    event_id: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """From a flag. Raises ConfigError that names the part that is wrong."""
        given: dict[str, str] = {}
        for part in filter(None, text.split(",")):
            name, equals, column = part.partition("=")
            if name not in cls._fields:
                raise ConfigError(f"--columns: no field is called {name!r}", _did_you_mean(name, cls._fields))
            if not equals or not column or (column == COUNTED and name != "ts"):
                raise ConfigError(f"--columns: {part!r} names no column", "Write field=column")
            given[name] = column
        return cls(**given)

    def bind(self, header: list[str]) -> "Bound":
        """Where the fields are in a row with this header. Raises BadFile that names a missing column."""
        constants: list[str] = []
        columns = filter(None, self.with_defaults(header))
        return Bound(len(header), tuple(_place(column, header, constants) for column in columns), constants)

    def with_defaults(self, there: Container[str]) -> "Columns":
        """With every field filled in; an optional one without a column becomes the empty constant."""
        found = {name: column for name, column in NAMES.items() if column in there}
        given = {name: column for name, column in self._asdict().items() if column is not None}
        return Columns(**{**FALLBACK, **found, **given})


class Bound(NamedTuple):
    """Columns found in a header: the fields are at `places` in a row followed by `constants`."""

    width: int  # columns of the file
    places: tuple[int, ...]  # one per field of Columns, in its order
    constants: list[str]


def _place(column: str, header: list[str], constants: list[str]) -> int:
    if column == COUNTED or column.startswith(CONSTANT):
        constants.append(column.removeprefix(CONSTANT))
        return len(header) + len(constants) - 1
    return index_of(column, header)


def index_of(column: str, header: list[str]) -> int:
    """Where `column` is in the header. Raises BadFile that names the columns there are."""
    if column not in header:
        raise BadFile(f"no column {column!r}", _did_you_mean(column, header))
    return header.index(column)


def _did_you_mean(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, 1)
    advice = f"Did you mean {near[0]}? " if near else ""
    return f"{advice}There are: {', '.join(names[:20])}"

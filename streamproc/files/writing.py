"""Rows of a file as events in JSON."""

import math
from typing import Any, NamedTuple

import msgspec

from streamproc.contracts.events import Event, encode
from streamproc.files.columns import COUNTED, Columns
from streamproc.files.rows import Fields, Unusable, as_field, json_fields, json_holds, json_record
from streamproc.files.times import Span, millis
from streamproc.files.where import Condition

BEFORE_COUNTED = millis("2020-01-01")  # ms, a second before the first row with ts=#


class Written(NamedTuple):
    """An event in JSON with its key."""

    value: bytes
    key: bytes  # the user, UTF-8


class NativeEvent(msgspec.Struct):
    """What must be known of a line that is an event already; all else is for the worker to judge."""

    user_id: str
    event_id: str | None = None
    ts: Any = None


class Writer:
    """Turns one row after the other into events with ids of their own, `<prefix><row>`."""

    def __init__(self, columns: Columns, where: list[Condition], span: Span, prefix: str) -> None:
        self._columns = columns
        self._where = where
        self._span = span
        self._prefix = prefix
        self._native = msgspec.json.Decoder(NativeEvent).decode

    def from_fields(self, number: int, fields: Fields) -> Written:
        """An event from texts in the order of Columns. Raises Unusable."""
        user, item, ts, kind, value, session, event_id = fields
        if not (user and item and ts and kind):
            raise Unusable("missing_field", f"no {_first_empty(fields)}")
        time = BEFORE_COUNTED + 1000 * number if ts == COUNTED else _time(ts)
        if not self._span.holds(time):
            raise Unusable("outside --from/--to", f"time {ts}")
        event_id = event_id or f"{self._prefix}{number}"
        worth = _value(value) if value else None
        event = Event(
            event_id=event_id,
            type=kind,
            user_id=user,
            item_id=item,
            ts=time,
            value=worth,
            session_id=session or None,
        )
        try:
            return Written(encode(event), user.encode())
        except UnicodeEncodeError as error:
            raise Unusable("invalid_utf8", error.reason) from None

    def from_object(self, number: int, line: bytes) -> Written:
        """An event from a JSON object whose keys are the columns. Raises Unusable."""
        record = json_record(line)
        json_holds(record, self._where)
        return self.from_fields(number, json_fields(record, self._columns))

    def from_event(self, number: int, line: bytes) -> Written:
        """An event that is one already, as it is but for a missing id. Raises Unusable."""
        try:
            native = self._native(line)
            key = native.user_id.encode()
        except msgspec.ValidationError as error:
            raise Unusable("missing_field", str(error)) from None
        except (msgspec.DecodeError, UnicodeError) as error:
            raise Unusable("not_json", str(error)) from None
        if self._where:
            json_holds(json_record(line), self._where)
        self._check_time(native.ts)
        return Written(line if native.event_id else self._with_id(number, line), key)

    def _check_time(self, ts: Any) -> None:
        if self._span == Span():
            return
        text = as_field(ts)
        if not self._span.holds(_time(text)):
            raise Unusable("outside --from/--to", f"time {text}")

    def _with_id(self, number: int, line: bytes) -> bytes:
        event_id = f"{self._prefix}{number}"
        if b'"event_id"' not in line:
            return b'{"event_id":"%b",%b' % (event_id.encode(), line[1:])
        record: dict[str, Any] = json_record(line)
        return encode({**record, "event_id": event_id})


def _first_empty(fields: Fields) -> str:
    return next(name for name, text in zip(("user", "item", "ts", "type"), fields, strict=False) if not text)


def _time(text: str) -> int:
    try:
        return millis(text)
    except ValueError as error:
        raise Unusable("bad_time", str(error)) from None


def _value(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unusable("bad_value", f"{text!r} is no number")
    return value
